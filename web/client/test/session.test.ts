import { afterEach, expect, test, vi } from "vitest";
import { isInLine, leaveLine, Refusal, requestSession } from "../src/session";

const here = new AbortController().signal;

function answering(status: number, body: object, headers: Record<string, string> = {}) {
  const fetched = vi.fn((_address: string, _options: RequestInit) =>
    Promise.resolve(new Response(status === 204 ? null : JSON.stringify(body), { status, headers })),
  );
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

afterEach(() => vi.unstubAllGlobals());

test("a free line is a session", async () => {
  const session = { url: "ws://here", room: "call-1", token: "t", models: "starter", conversation: "conv-1" };
  answering(200, session);
  const answer = await requestSession(true, here);
  expect(isInLine(answer)).toBe(false);
  expect(answer).toEqual(session);
});

test("busy lines are a place in line", async () => {
  answering(202, { ticket: "w1", place: 2, retry_after_s: 2 });
  const answer = await requestSession(true, here);
  expect(isInLine(answer)).toBe(true);
  expect(answer).toEqual({ ticket: "w1", place: 2 });
});

test("whoever waits asks again with the place they know", async () => {
  const fetched = answering(202, { ticket: "w1", place: 1 });
  await requestSession(false, here, { ticket: "w1", place: 2 });
  const [address, options] = fetched.mock.calls[0] ?? [];
  expect(address).toBe("/api/session/w1");
  expect(JSON.parse(String(options?.body))).toEqual({ documents: false, place: 2 });
});

test("a call goes on with the conversation that an earlier one was given", async () => {
  const fetched = answering(202, { ticket: "w1", place: 1 });
  await requestSession(true, here, null, "conv-1");
  const [, options] = fetched.mock.calls[0] ?? [];
  expect(JSON.parse(String(options?.body))).toEqual({ documents: true, conversation: "conv-1" });
});

test("a place is given up even while the page closes", () => {
  const fetched = answering(204, {});
  leaveLine({ ticket: "w1", place: 2 });
  expect(fetched).toHaveBeenCalledWith("/api/session/w1", { method: "DELETE", keepalive: true });
});

test("a full line is a refusal with its time", async () => {
  answering(503, { error: { code: "lines_busy", message: "All lines are busy." } }, { "Retry-After": "10" });
  const refusal = await requestSession(true, here).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(Refusal);
  expect(refusal).toMatchObject({ code: "lines_busy", retryAfterS: 10 });
});

test.each([
  [500, "unreachable"],
  [502, "unreachable"],
  [503, "unreachable"],
  [504, "unreachable"],
  [429, "too_many_requests"],
  [403, "refused"],
])("a proxy's own %i is %s", async (status, code) => {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response("<h1>Sorry</h1>", { status })));
  await expect(requestSession(true, here)).rejects.toMatchObject({ code });
});

test("an answer that breaks off is none", async () => {
  const cut = new ReadableStream({ pull: (stream) => stream.error(new TypeError("network error")) });
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(cut, { status: 200 })));
  await expect(requestSession(true, here)).rejects.toMatchObject({ code: "unreachable" });
});

test("a browser that cannot join signals calls all the same", async () => {
  vi.stubGlobal("AbortSignal", Object.assign(() => {}, { timeout: AbortSignal.timeout }));
  answering(200, { token: "t" });
  expect(await requestSession(true, new AbortController().signal)).toEqual({ token: "t" });
});

test("who hangs up waits for no answer", async () => {
  const line = new AbortController();
  vi.stubGlobal("fetch", (_: string, { signal }: RequestInit) =>
    new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason as Error))),
  );
  const asked = requestSession(true, line.signal);
  line.abort(new Error("hung up"));
  await expect(asked).rejects.toThrow("hung up");
});
