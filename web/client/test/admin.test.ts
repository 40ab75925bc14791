import { describe, expect, it } from "vitest";
import { kinds, type Minute, roundUp } from "../src/admin/charts";
import { outcome } from "../src/admin/documents";
import { milliseconds } from "../src/admin/now";
import { ago, count, plain } from "../src/admin/words";
import { turnFrom } from "../src/protocol";

describe("the owner's page", () => {
  it("rounds an axis up to a number that people read easily", () => {
    expect([0, 1, 7, 20, 21, 640, 1000].map(roundUp)).toEqual([1, 1, 10, 20, 30, 1000, 1000]);
  });

  it("adds errors of all minutes up, the most frequent first", () => {
    const minute = { at_s: 0, turns: 0, median_ms: null, slow_ms: null };
    const told: Minute[] = [
      { ...minute, errors: { internal: 1 } },
      { ...minute, errors: { engine_busy: 2, internal: 0 } },
    ];
    expect(kinds(told)).toBe("2 engine busy, 1 internal");
  });

  it("reads the engine's stages as a call's own", () => {
    const told = turnFrom({ door: "voice", ...milliseconds({ end_of_turn: 350, first_token: 40, answered: 430 }) });
    expect(told?.totalMs).toBe(430);
    expect(told?.stages.map((stage) => stage.name)).toEqual(["end of turn", "first word"]);
  });

  it("says what came of an upload", () => {
    const upload = { number: 1, name: "menu.md" };
    expect(outcome({ ...upload, state: "waiting", result: {} })).toBe("Waits to be read");
    expect(outcome({ ...upload, state: "done", result: { outcome: "added", chunks: 1, reason: "" } })).toBe("Added · 1 part");
    expect(outcome({ ...upload, state: "failed", result: { outcome: "failed", reason: "No text." } })).toBe("Failed · No text.");
  });

  it("says times, numbers and codes in words", () => {
    expect([ago(4_000), ago(95_000), ago(7_300_000)]).toEqual(["4 s", "1 min 35 s", "2 h 1 min"]);
    expect([count(1, "turn"), count(2, "turn")]).toEqual(["1 turn", "2 turns"]);
    expect(plain("engine_busy")).toBe("engine busy");
  });
});
