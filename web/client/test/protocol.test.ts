import { expect, test } from "vitest";
import { readReceived, readSources, readTurn } from "../src/protocol";

test("sources are read with their passages", () => {
  const message = readSources(
    JSON.stringify({
      turn: "t1",
      sources: [{ title: "Breakfast", source: "breakfast.md", place: "page 3", text: "From seven.", score: 0.8 }],
    }),
  );
  expect(message).toEqual({
    turn: "t1",
    answer: "",
    sources: [{ title: "Breakfast", source: "breakfast.md", place: "page 3", text: "From seven.", score: 0.8 }],
  });
});

test("a source without a title goes by its file", () => {
  expect(readSources('{"sources": [{"source": "prices.md"}]}')?.sources[0]?.title).toBe("prices.md");
});

test("what isn't a message is left alone", () => {
  for (const text of ["", "null", "[]", '"x"', '{"sources": 3}']) expect(readSources(text)).toBeNull();
  for (const text of ["", "null", "[]", "{}"]) expect(readTurn(text)).toBeNull();
});

test("the stages of a spoken turn stand on one clock", () => {
  const message = {
    turn: "t1",
    door: "voice",
    interrupted: false,
    speculation: "used",
    thrown_away: 2,
    end_of_turn_ms: 350,
    decode_ms: 40,
    transcript_ms: 180,
    retrieval_ms: 12,
    prefill_ms: 20,
    first_token_ms: 60,
    first_clause_ms: 90,
    first_audio_ms: 50,
    sent_ms: 10,
    ahead_ms: 150,
    answered_ms: 420,
  };
  expect(readTurn(JSON.stringify(message))).toEqual({
    turn: "t1",
    door: "voice",
    interrupted: false,
    totalMs: 420,
    aheadMs: 150,
    thrownAway: 2,
    stages: [
      { name: "end of turn", startMs: 0, durationMs: 350 },
      { name: "decode", startMs: 140, durationMs: 40 },
      { name: "transcript", startMs: 0, durationMs: 180 },
      { name: "documents", startMs: 200, durationMs: 12 },
      { name: "prompt", startMs: 212, durationMs: 20 },
      { name: "first word", startMs: 200, durationMs: 60 },
      { name: "first clause", startMs: 200, durationMs: 90 },
      { name: "first sound", startMs: 290, durationMs: 50 },
      { name: "sent", startMs: 410, durationMs: 10 },
    ],
  });
});

test("an answer begun before the caller's last sound starts the clock", () => {
  const turn = readTurn('{"turn": "t", "end_of_turn_ms": 300, "ahead_ms": 400, "first_token_ms": 50, "answered_ms": 330}');
  expect(turn?.stages).toEqual([
    { name: "end of turn", startMs: 100, durationMs: 300 },
    { name: "first word", startMs: 0, durationMs: 50 },
  ]);
});

test("an answer begun when the turn was over was not begun ahead", () => {
  const turn = readTurn('{"turn": "t", "speculation": "none", "ahead_ms": 4, "first_token_ms": 50, "answered_ms": 330}');
  expect([turn?.aheadMs, turn?.thrownAway]).toEqual([0, 0]);
});

test("a typed turn is timed to its first word", () => {
  const turn = readTurn('{"turn": "t", "door": "text", "retrieval_ms": 12, "first_token_ms": 40}');
  expect(turn?.totalMs).toBe(40);
});

test("a receipt names the typed line that arrived", () => {
  expect(readReceived('{"line":"7"}')).toBe("7");
  expect(readReceived('{"turn":"7"}')).toBe("");
  expect(readReceived("not json")).toBe("");
});
