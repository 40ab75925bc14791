import { beforeEach, expect, test, vi } from "vitest";
import { Conversation } from "../src/conversation";
import type { Meter } from "../src/meter";
import type { Notice, Notices } from "../src/notices";
import { Phone } from "../src/phone";

const { createLocalAudioTrack, requestSession, published, useDocuments } = vi.hoisted(() => ({
  createLocalAudioTrack: vi.fn(),
  requestSession: vi.fn(),
  published: vi.fn(),
  useDocuments: vi.fn(),
}));
vi.mock("livekit-client", async (original) => ({ ...(await original<object>()), createLocalAudioTrack }));
vi.mock("../src/session", async (original) => ({ ...(await original<object>()), requestSession }));
vi.mock("../src/call", () => ({
  Call: class {
    join = async () => {};
    reportAgent = () => {};
    hangUp = async () => {};
    publish = published;
    useDocuments = useDocuments;
  },
}));

const track = () => ({ mediaStreamTrack: { readyState: "live" }, on: () => {}, unmute: async () => {}, stop: () => {} });
const session = { url: "ws://here", room: "call-1", token: "t", models: "", conversation: null };
const settings = { documents: true, pushToTalk: false, microphone: "default", speaker: "default" };
const settled = () => new Promise((resolve) => setTimeout(resolve));
let told: Notice[];

beforeEach(() => {
  vi.stubGlobal("addEventListener", () => {});
  vi.stubGlobal("navigator", { mediaDevices: {} });
  told = [];
  createLocalAudioTrack.mockReset();
  published.mockReset();
  requestSession.mockReset().mockResolvedValue(session);
  settings.documents = true;
});

function phone(): Phone {
  const meter = { listen: () => {} } as unknown as Meter;
  const notices = { show: (notice: Notice) => told.push(notice), clear: () => {} } as unknown as Notices;
  const conversation = new Conversation(() => {});
  return new Phone({
    settings, conversation, notices, sound: {} as HTMLElement,
    callerMeter: meter, agentMeter: meter, show: () => {}, divide: () => {},
  });
}

test("who hangs up while asked for the microphone and calls again is heard in the second call", async () => {
  const answers: ((track: object) => void)[] = [];
  createLocalAudioTrack.mockImplementation(() => new Promise((resolve) => answers.push(resolve)));
  const line = phone();
  void line.dial(true);
  await line.hangUp();
  void line.dial(true);
  const wanted = track();
  answers[0]?.(track());
  await settled();
  answers[1]?.(wanted);
  await settled();
  expect(published).toHaveBeenCalledExactlyOnceWith(wanted);
  expect(told).toEqual([]);
  await line.hangUp();
});

test("who says no to the microphone is asked once", async () => {
  createLocalAudioTrack.mockRejectedValue(new DOMException("no", "NotAllowedError"));
  const line = phone();
  await line.dial(false);
  await line.addMicrophone();
  expect(createLocalAudioTrack).toHaveBeenCalledOnce();
  expect(told.map((notice) => notice.about)).toEqual(["microphone"]);
  await line.hangUp();
});

test("a voice that does not reach the call is said, and tried again", async () => {
  createLocalAudioTrack.mockResolvedValue(track());
  published.mockRejectedValueOnce(new Error("timed out"));
  const line = phone();
  await line.dial(true);
  await settled();
  expect(told.map((notice) => notice.about)).toEqual(["microphone"]);
  told[0]?.action?.run();
  await settled();
  expect(published).toHaveBeenCalledTimes(2);
  await line.hangUp();
});

test("documents that are switched off while the call is being made stay out of it", async () => {
  let answer = (_: object) => {};
  requestSession.mockImplementation(() => new Promise((resolve) => (answer = resolve)));
  const line = phone();
  const dialed = line.dial(false);
  settings.documents = false;
  await line.useDocuments(false); // nobody to tell yet
  answer(session);
  await dialed;
  expect(useDocuments).toHaveBeenCalledExactlyOnceWith(false);
  await line.hangUp();
});
