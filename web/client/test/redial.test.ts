import { expect, test } from "vitest";
import { explainRefusal, waitBeforeRedial } from "../src/redial";

const first = { retryAfterS: null, failures: 0, lost: false };

test("busy lines are tried again when the server says", () => {
  expect(waitBeforeRedial({ ...first, code: "lines_busy", retryAfterS: 12 })).toBe(12);
  expect(waitBeforeRedial({ ...first, code: "lines_busy" })).toBe(5);
});

test("a lost call is dialed again, ever slower, not for ever", () => {
  const waits = [0, 1, 2, 3, 10, 40].map((failures) =>
    waitBeforeRedial({ ...first, code: "livekit_away", failures, lost: true }),
  );
  expect(waits).toEqual([1, 2, 3, 5, 5, null]);
});

test("a first call to a server that is away is left to the caller soon", () => {
  const waits = [0, 1, 2].map((failures) => waitBeforeRedial({ ...first, code: "livekit_away", failures }));
  expect(waits).toEqual([1, 2, null]);
});

test("a refused pass is never tried again by itself", () => {
  expect(waitBeforeRedial({ ...first, code: "refused", lost: true })).toBeNull();
});

test("a lost call says so first", () => {
  expect(explainRefusal("unreachable", true)).toMatch(/^The connection was lost\./);
  expect(explainRefusal("unreachable", false)).not.toMatch(/lost/);
});
