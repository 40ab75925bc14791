import { beforeEach, expect, test } from "vitest";
import { Conversation, type Entry } from "../src/conversation";

let conversation: Conversation;
let changed: Entry[];

beforeEach(() => {
  changed = [];
  conversation = new Conversation((entry) => changed.push(entry));
});

const texts = () => conversation.entries.map((entry) => `${entry.side}: ${entry.text}`);
const source = { title: "Breakfast", source: "breakfast.md", place: "page 2", text: "From seven.", score: 0.9 };

test("an interim caption grows in place until it is final", () => {
  conversation.heard("s1", "What time", false, 1);
  conversation.heard("s1", "What time is breakfast?", true, 2);
  expect(texts()).toEqual(["caller: What time is breakfast?"]);
  expect(conversation.entries[0]?.final).toBe(true);
});

test("an older interim never replaces a newer one", () => {
  conversation.heard("s1", "What time is", false, 2);
  conversation.heard("s1", "What", false, 1);
  expect(texts()).toEqual(["caller: What time is"]);
});

test("nothing replaces a final caption", () => {
  conversation.heard("s1", "Breakfast?", true, 1);
  conversation.heard("s1", "Break", false, 2);
  expect(texts()).toEqual(["caller: Breakfast?"]);
});

test("a caller who pauses keeps one entry until the agent answers", () => {
  conversation.heard("s1", "What time", true, 1);
  conversation.heard("s2", "is breakfast?", true, 2);
  conversation.answered("a1", "From seven.");
  conversation.heard("s3", "Thanks.", true, 3);
  expect(texts()).toEqual(["caller: What time is breakfast?", "agent: From seven.", "caller: Thanks."]);
});

test("a cough that looked like words is taken back", () => {
  conversation.heard("s1", "Hm", false, 1);
  conversation.heard("s1", "", true, 2);
  expect(texts()).toEqual([]);
});

test("an answer grows by word and ends", () => {
  conversation.answered("a1", "From ");
  conversation.answered("a1", "seven.");
  expect(conversation.entries[0]?.final).toBe(false);
  conversation.answerEnded("a1");
  expect(conversation.entries[0]).toMatchObject({ text: "From seven.", final: true, cut: false });
});

test("an answer that stops within a sentence shows that it was cut", () => {
  conversation.answered("a1", "From seven to");
  conversation.answerEnded("a1");
  expect(conversation.entries[0]?.cut).toBe(true);
});

test("a typed line waits until it is sent", () => {
  const entry = conversation.typed("Is there parking?");
  expect(entry.pending).toBe(true);
  conversation.sent(entry);
  expect(conversation.entries[0]?.pending).toBe(false);
});

test("sources that come before the answer wait for it", () => {
  conversation.typed("Breakfast?");
  conversation.addSources({ turn: "t1", answer: "", sources: [source] });
  conversation.answered("a1", "From seven.");
  expect(conversation.entries[1]?.sources).toEqual([source]);
});

test("sources that come after the answer find it", () => {
  conversation.answered("a1", "From seven.");
  conversation.addSources({ turn: "t1", answer: "", sources: [source] });
  expect(conversation.entries[0]?.sources).toEqual([source]);
});

test("sources find their answer by its words although the caller spoke again", () => {
  conversation.answered("a1", "Breakfast is served from");
  conversation.heard("s1", "Wait", false, 1);
  conversation.addSources({ turn: "t1", answer: "Breakfast is served from seven.", sources: [source] });
  expect(conversation.entries[0]?.sources).toEqual([source]);
});

test("sources with words do not go under another answer", () => {
  conversation.answered("a1", "Good morning!");
  conversation.addSources({ turn: "t1", answer: "From seven.", sources: [source] });
  expect(conversation.entries[0]?.sources).toEqual([]);
  conversation.heard("s1", "Breakfast?", true, 1);
  conversation.answered("a2", "From seven.");
  expect(conversation.entries[2]?.sources).toEqual([source]);
});

test("sources of an answer that was never heard go under no other", () => {
  const other = { ...source, title: "Dinner" };
  conversation.heard("s1", "Breakfast?", true, 1);
  conversation.addSources({ turn: "t1", answer: "Breakfast is served from seven.", sources: [source] });
  conversation.heard("s2", "I mean dinner.", true, 2);
  conversation.answered("a2", "Breakfast and ");
  conversation.answered("a2", "dinner are served in the garden room.");
  conversation.answerEnded("a2");
  expect(conversation.entries.at(-1)?.sources).toEqual([]);
  conversation.addSources({ turn: "t2", answer: "Breakfast and dinner are served in the garden room.", sources: [other] });
  conversation.heard("s3", "Good.", true, 3);
  conversation.answered("a3", "Is there anything else?");
  expect(conversation.entries.map((entry) => entry.sources)).toEqual([[], [other], [], []]);
});

test("times follow the sources of their turn", () => {
  const turn = { turn: "t1", door: "voice", interrupted: false, totalMs: 600, stages: [], aheadMs: 0, thrownAway: 0 };
  conversation.answered("a1", "From seven.");
  conversation.addSources({ turn: "t1", answer: "", sources: [source] });
  conversation.heard("s1", "And dinner?", true, 1);
  conversation.answered("a2", "From six.");
  conversation.addTurn(turn);
  expect(conversation.entries[0]?.turn).toEqual(turn);
  expect(conversation.entries[2]?.turn).toBeNull();
});

test("times without sources go under the last answer", () => {
  const turn = { turn: "t1", door: "voice", interrupted: false, totalMs: 600, stages: [], aheadMs: 0, thrownAway: 0 };
  conversation.answered("a1", "Hello!");
  conversation.addTurn(turn);
  expect(conversation.entries[0]?.turn).toEqual(turn);
});

test("a lost call ends what was being said and shares nothing with the next", () => {
  conversation.answered("a1", "From seven to");
  conversation.breakOff();
  expect(conversation.entries[0]).toMatchObject({ final: true, cut: true });
  conversation.answered("a1", "Hello again.");
  expect(texts()).toEqual(["agent: From seven to", "agent: Hello again."]);
});

test("what the caller says after a lost call is an entry of its own", () => {
  conversation.heard("s1", "What time", true, 1);
  conversation.breakOff();
  conversation.heard("s2", "is breakfast?", true, 1);
  expect(texts()).toEqual(["caller: What time", "caller: is breakfast?"]);
});

test("a line that waited stands after what was said meanwhile", () => {
  const entry = conversation.typed("Is there parking?");
  conversation.answered("a1", "Hello!");
  conversation.sent(entry);
  expect(texts()).toEqual(["agent: Hello!", "caller: Is there parking?"]);
});

test("an answer that its times call interrupted was cut, whatever it ends with", () => {
  conversation.answered("a1", "From seven. Until ten.");
  conversation.answerEnded("a1");
  conversation.addTurn({ turn: "t1", door: "voice", interrupted: true, totalMs: 600, stages: [], aheadMs: 0, thrownAway: 0 });
  expect(conversation.entries[0]?.cut).toBe(true);
});
