import { expect, test } from "vitest";
import { type CallEvent, describeAgent, describeMic, describePlace, isActive, next, START } from "../src/state";

const agent = (state: string, present = true): CallEvent => ({ type: "agent", present, state, models: "", mode: "" });
const after = (...events: CallEvent[]) => events.reduce(next, START);
const connected: CallEvent = { type: "connected", models: "starter" };

test("a call connects, rings and is answered", () => {
  expect(after({ type: "dialed" }).phase).toBe("dialing");
  expect(after({ type: "dialed" }, connected).phase).toBe("ringing");
  expect(after({ type: "dialed" }, connected, agent("listening")).phase).toBe("live");
});

test("a caller in line is told the place until the call begins", () => {
  const second = after({ type: "dialed" }, { type: "queued", place: 2 });
  expect(describePlace(second)).toBe("All lines are busy. You are number 2 in line.");
  const first = next(second, { type: "queued", place: 1 });
  expect(describePlace(first)).toBe("All lines are busy. You are next.");
  expect(isActive(first)).toBe(true);
  expect(describePlace(next(first, connected))).toBe("");
  expect(next(first, connected).place).toBe(0);
});

test("a place that comes after hanging up is nobody's", () => {
  expect(after({ type: "dialed" }, { type: "ended" }, { type: "queued", place: 1 }).phase).toBe("ended");
});

test("an agent that is still starting hasn't answered", () => {
  expect(after({ type: "dialed" }, connected, agent("initializing")).phase).toBe("ringing");
});

test("the far end is named by what the agent does", () => {
  const live = after({ type: "dialed" }, connected, agent("thinking"));
  expect(describeAgent(live)).toBe("Thinking");
  expect(describeAgent(next(live, agent("speaking")))).toBe("Speaking");
  expect(describeAgent(next(live, { type: "reconnecting" }))).toBe("Reconnecting");
});

test("an agent that drops out is waited for, and another goes on", () => {
  const waiting = after({ type: "dialed" }, connected, { type: "mic", mic: "open" }, agent("speaking"), agent("", false));
  expect(waiting.phase).toBe("ringing");
  expect(next(waiting, agent("listening"))).toMatchObject({ phase: "live", agent: "listening", mic: "open" });
});

test("events of a call that is over change nothing", () => {
  const ended = after({ type: "dialed" }, connected, agent("speaking"), { type: "ended" });
  expect(next(ended, agent("speaking")).phase).toBe("ended");
  expect(next(ended, { type: "reconnecting" }).phase).toBe("ended");
  expect(isActive(ended)).toBe(false);
});

test("a lost call is dialed again with the microphone as it was", () => {
  const lost = after({ type: "dialed" }, connected, { type: "mic", mic: "muted" }, agent("listening"), { type: "lost" });
  expect(lost.phase).toBe("dialing");
  expect(describeMic(lost)).toBe("Muted");
});

test("the tier is kept when the agent doesn't name it", () => {
  expect(after({ type: "dialed" }, connected, agent("listening")).models).toBe("starter");
});
