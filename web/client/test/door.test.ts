import { afterEach, expect, test, vi } from "vitest";
import { Door, Refusal } from "../src/admin/door";

function answering(...answers: Response[]) {
  const fetched = vi.fn((_address: string, _options: RequestInit) => Promise.resolve(answers.shift() as Response));
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

afterEach(() => vi.unstubAllGlobals());

test("an answer that breaks off, or is a proxy's page, is said like any refusal", async () => {
  const cut = new ReadableStream({ pull: (stream) => stream.error(new TypeError("network error")) });
  vi.stubGlobal("sessionStorage", { getItem: () => null });
  answering(new Response(cut), new Response("<h1>Please log in</h1>"));
  const door = new Door(() => Promise.reject(new Error("no key is wanted")));
  for (let tries = 0; tries < 2; tries++) await expect(door.get("now")).rejects.toBeInstanceOf(Refusal);
});
