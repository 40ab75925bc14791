import { afterEach, expect, test, vi } from "vitest";
import { Door, Refusal } from "../src/admin/door";

function answering(...answers: Response[]) {
  const fetched = vi.fn((_address: string, _options: RequestInit) => Promise.resolve(answers.shift() as Response));
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

afterEach(() => {
  vi.unstubAllGlobals();
  Reflect.deleteProperty(globalThis, "sessionStorage");
});

test("an answer that breaks off, or is a proxy's page, is said like any refusal", async () => {
  const cut = new ReadableStream({ pull: (stream) => stream.error(new TypeError("network error")) });
  answering(new Response(cut), new Response("<h1>Please log in</h1>"));
  const door = new Door(() => Promise.reject(new Error("no key is wanted")));
  for (let tries = 0; tries < 2; tries++) await expect(door.get("now")).rejects.toBeInstanceOf(Refusal);
});

test("a key serves until the page is left, where the browser keeps nothing", async () => {
  const get = () => {
    throw new DOMException("Access is denied for this document.", "SecurityError");
  };
  Object.defineProperty(globalThis, "sessionStorage", { configurable: true, get });
  const ask = vi.fn(() => Promise.resolve("ll_owner"));
  const fetched = answering(new Response("{}", { status: 401 }), new Response("{}"), new Response("{}"));
  const door = new Door(ask);
  await door.get("now");
  await door.get("now");
  expect(ask).toHaveBeenCalledOnce();
  expect(new Headers(fetched.mock.calls[2]?.[1].headers).get("Authorization")).toBe("Bearer ll_owner");
  expect(door.hasKey).toBe(true);
  door.forgetKey();
  expect(door.hasKey).toBe(false);
});

test("a refusal says how long to wait", async () => {
  answering(new Response("{}", { status: 429, headers: { "Retry-After": "5" } }));
  await expect(new Door(() => Promise.resolve("")).get("now")).rejects.toMatchObject({ status: 429, retryAfterS: 5 });
});
