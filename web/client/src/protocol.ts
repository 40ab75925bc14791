/** What caller and agent say to each other in the room besides audio. */

export const TOPIC = {
  chat: "lk.chat",
  transcription: "lk.transcription",
  sources: "landline.sources",
  turn: "landline.turn",
  received: "landline.received",
} as const;

export const ATTRIBUTE = {
  agentState: "lk.agent.state",
  documents: "landline.documents",
  models: "landline.models",
  mode: "landline.mode",
  segment: "lk.segment_id",
  final: "lk.transcription_final",
  line: "landline.line",
} as const;

export const INTERRUPT = "landline.interrupt";

export interface Source {
  title: string;
  source: string;
  /** Where in the document, in words; empty when unknown. */
  place: string;
  text: string;
  /** Likeness to the question, 0 to 1; null when unknown. */
  score: number | null;
}

export interface SourcesMessage {
  turn: string;
  answer: string;
  sources: Source[];
}

export interface Stage {
  name: string;
  startMs: number;
  durationMs: number;
}

export interface TurnMessage {
  turn: string;
  door: string;
  interrupted: boolean;
  totalMs: number;
  stages: Stage[];
  /** How long before the end of the caller's turn the answer was begun; 0 where it was not begun ahead. */
  aheadMs: number;
  /** Answers that were begun for words that then changed. */
  thrownAway: number;
}

type Json = Record<string, unknown>;

/** Reads a `landline.received` message: the number of a typed line that has arrived, "" when it isn't one. */
export function readReceived(text: string): string {
  return readString(readObject(text)?.line);
}

/** Reads a `landline.sources` message; null when it isn't one. */
export function readSources(text: string): SourcesMessage | null {
  const message = readObject(text);
  if (!message || !Array.isArray(message.sources)) return null;
  const sources = message.sources.filter(isObject).map(readSource);
  return { turn: readString(message.turn), answer: readString(message.answer), sources };
}

function readSource(raw: Json): Source {
  return {
    title: readString(raw.title) || readString(raw.source) || "Document",
    source: readString(raw.source),
    place: readString(raw.place),
    text: readString(raw.text),
    score: readNumber(raw.score),
  };
}

/** What a stage is called on the page and from when it counts. */
const STAGES: Record<string, { name: string; from: "silence" | "decode" | "making" | "prompt" | "clause" | "sent" }> = {
  end_of_turn_ms: { name: "end of turn", from: "silence" },
  decode_ms: { name: "decode", from: "decode" },
  transcript_ms: { name: "transcript", from: "silence" },
  retrieval_ms: { name: "documents", from: "making" },
  prefill_ms: { name: "prompt", from: "prompt" },
  first_token_ms: { name: "first word", from: "making" },
  first_clause_ms: { name: "first clause", from: "making" },
  first_audio_ms: { name: "first sound", from: "clause" },
  sent_ms: { name: "sent", from: "sent" },
  whole_ms: { name: "last word", from: "making" },
};

/**
 * Reads a `landline.turn` message; null when it isn't one or says nothing of time.
 *
 * Its times are milliseconds from the caller's last sound, from when the answer's making began (`ahead_ms` before the
 * end of the turn), or from its first clause; the decode ends with the transcript, the prompt is read once the
 * documents are there, and sending ends with the answer's first sound. Here all stages start on one clock whose zero is
 * the earliest of them; `totalMs` is what the caller waited.
 */
export function readTurn(text: string): TurnMessage | null {
  const message = readObject(text);
  return message && turnFrom(message);
}

/** What `readTurn` reads, of a message that is an object already. */
export function turnFrom(message: Record<string, unknown>): TurnMessage | null {
  const ms = (name: string) => readNumber(message[name]) ?? 0;
  const making = ms("end_of_turn_ms") - ms("ahead_ms");
  const starts = {
    silence: 0,
    decode: Math.max(0, ms("transcript_ms") - ms("decode_ms")),
    making,
    prompt: making + ms("retrieval_ms"),
    clause: making + ms("first_clause_ms"),
    sent: Math.max(0, ms("answered_ms") - ms("sent_ms")),
  };
  const zero = Math.min(0, making);
  const stages = Object.entries(STAGES)
    .filter(([name]) => readNumber(message[name]) !== null)
    .map(([name, { name: label, from }]) => ({ name: label, startMs: starts[from] - zero, durationMs: ms(name) }));
  const totalMs = readNumber(message.answered_ms) ?? making + ms("first_token_ms");
  if (stages.length === 0 || totalMs <= 0) return null;
  return {
    turn: readString(message.turn),
    door: readString(message.door),
    interrupted: message.interrupted === true,
    totalMs,
    stages,
    aheadMs: message.speculation === "used" ? ms("ahead_ms") : 0,
    thrownAway: ms("thrown_away"),
  };
}

function readObject(text: string): Json | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readString(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}

function readNumber(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
