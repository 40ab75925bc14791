// The official client for JavaScript against a running door: node openai.mjs BASE_URL. Prints what it saw as JSON.
import OpenAI, { toFile } from "openai";

const client = new OpenAI({ baseURL: process.argv[2], apiKey: process.argv[3] ?? "none", maxRetries: 0 });
const question = { role: "user", content: "what time is breakfast" };

const first = await client.chat.completions.create({ model: "any", messages: [question] });
const answer = first.choices[0].message;
const followUp = { role: "user", content: "and on sunday" };
const second = await client.chat.completions.create({ model: "any", messages: [question, answer, followUp] });

let streamed = "";
let sources = [];
for await (const chunk of await client.chat.completions.create({ model: "any", messages: [question], stream: true })) {
  streamed += chunk.choices[0]?.delta?.content ?? "";
  sources = chunk.sources ?? sources;
}

const speech = await client.audio.speech.create({
  model: "any",
  voice: "alloy",
  input: "What time is breakfast?",
  response_format: "wav",
});
const recording = await toFile(Buffer.from(await speech.arrayBuffer()), "question.wav");
const heard = await client.audio.transcriptions.create({ model: "any", file: recording });
const models = [];
for await (const model of await client.models.list()) models.push(model.id);
const vectors = await client.embeddings.create({ model: "any", input: ["one", "two"] });

console.log(
  JSON.stringify({
    answer: answer.content,
    followUp: second.choices[0].message.content,
    streamed,
    sources: sources.map((source) => source.title),
    heard: heard.text,
    models,
    dimensions: vectors.data.map((row) => row.embedding.length),
  }),
);
