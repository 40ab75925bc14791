import { expect, test } from "vitest";
import { loudness } from "../src/meter";

const tone = (amplitude: number) => Float32Array.from({ length: 512 }, (_, i) => amplitude * Math.sin(i / 5));

test("silence is zero and a loud voice is one", () => {
  expect(loudness(new Float32Array(512))).toBe(0);
  expect(loudness(tone(0.9))).toBe(1);
});

test("quiet speech shows", () => {
  expect(loudness(tone(0.02))).toBeGreaterThan(0.3);
  expect(loudness(tone(0.02))).toBeLessThan(0.7);
});
