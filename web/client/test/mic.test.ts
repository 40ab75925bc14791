import { beforeEach, expect, test, vi } from "vitest";
import { Closed, Microphone } from "../src/mic";
import type { MicState } from "../src/state";

const createLocalAudioTrack = vi.hoisted(() => vi.fn());
vi.mock("livekit-client", async (original) => ({ ...(await original<object>()), createLocalAudioTrack }));

/** A track as LiveKit makes them; `device` is what the system still has. */
class Track {
  mediaStreamTrack = { readyState: "live" };
  isMuted = false;
  restarts: object[] = [];
  private readonly listeners = new Map<string, () => void>();

  constructor(private readonly device: { has: (options: object) => boolean }) {}

  on(event: string, listener: () => void): void {
    this.listeners.set(event, listener);
  }

  async mute(): Promise<void> {
    this.isMuted = true;
    this.listeners.get("muted")?.();
  }

  async unmute(): Promise<void> {
    if (this.mediaStreamTrack.readyState === "ended") throw new DOMException("gone", "NotFoundError");
    this.isMuted = false;
  }

  async restartTrack(options: object): Promise<void> {
    this.restarts.push(options);
    this.stop();
    if (!this.device.has(options)) throw new DOMException("gone", "NotFoundError");
    this.mediaStreamTrack = { readyState: "live" };
    this.listeners.get("restarted")?.();
  }

  stop(): void {
    this.mediaStreamTrack = { readyState: "ended" };
  }
}

const clean = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
let states: MicState[];
let losses: number;
let device: { has: (options: object) => boolean };

beforeEach(() => {
  [states, losses, device] = [[], 0, { has: () => true }];
  createLocalAudioTrack.mockReset().mockImplementation(async () => new Track(device));
});

function microphone(pushToTalk = false): Microphone {
  return new Microphone(pushToTalk, { changed: (state) => states.push(state), sounding: () => {}, lost: () => losses++ });
}

async function opened(of: Microphone): Promise<Track> {
  return (await of.open("default")) as unknown as Track;
}

test("who is not heard any more is told, and heard again once there is a microphone", async () => {
  const mic = microphone();
  const track = await opened(mic);
  device.has = () => false;
  track.stop();
  await track.mute(); // as LiveKit does with a track that ended and for which there is no other device
  expect([states.at(-1), losses]).toEqual(["refused", 1]);
  await expect(mic.open("default")).rejects.toThrow("gone");
  device.has = () => true;
  expect(await opened(mic)).toBe(track);
  expect(track.isMuted).toBe(false);
  expect(states.at(-1)).toBe("open");
});

test("a microphone that failed once can still be muted, in this call and the next", async () => {
  const mic = microphone();
  const track = await opened(mic);
  await mic.mute(true);
  track.stop();
  device.has = () => false;
  await mic.mute(false);
  expect([states.at(-1), losses]).toEqual(["refused", 1]);
  device.has = () => true;
  mic.close();
  const next = await opened(mic);
  await mic.mute(true);
  expect([next.isMuted, states.at(-1)]).toEqual([true, "muted"]);
});

test("a device that went away while muted gives way to the system's", async () => {
  const mic = microphone();
  const track = await opened(mic);
  await mic.mute(true);
  track.stop();
  await mic.mute(false);
  expect([track.isMuted, states.at(-1), track.restarts]).toEqual([false, "open", [clean]]);
});

test("a device that cannot be used leaves the system's open, and the system's is no device by name", async () => {
  const mic = microphone();
  const track = await opened(mic);
  device.has = (options) => !("deviceId" in options);
  await expect(mic.choose("headset")).rejects.toThrow("gone");
  expect(track.mediaStreamTrack.readyState).toBe("live");
  await mic.choose("default");
  expect(track.restarts).toEqual([{ ...clean, deviceId: { exact: "headset" } }, clean, clean]);
});

test("an answer to a question of an earlier call changes nothing in the next", async () => {
  const answers: ((track: Track) => void)[] = [];
  createLocalAudioTrack.mockImplementation(() => new Promise<Track>((resolve) => answers.push(resolve)));
  const mic = microphone();
  const first = mic.open("default");
  mic.close();
  const second = mic.open("default");
  const [late, wanted] = [new Track(device), new Track(device)];
  answers[0]?.(late);
  await expect(first).rejects.toBeInstanceOf(Closed);
  answers[1]?.(wanted);
  expect(await second).toBe(wanted);
  expect([late.mediaStreamTrack.readyState, states.at(-1)]).toEqual(["ended", "open"]);
});

test("a refusal that comes after the call leaves the next one's question open", async () => {
  const answers: ((error: Error) => void)[] = [];
  createLocalAudioTrack.mockImplementation(() => new Promise<Track>((_, reject) => answers.push(reject)));
  const mic = microphone();
  const first = mic.open("default");
  mic.close();
  const second = mic.open("default");
  answers[0]?.(new Error("dismissed"));
  await expect(first).rejects.toBeInstanceOf(Closed);
  expect(mic.open("default")).toBe(second);
  expect(states).toEqual(["asking", "asking"]);
});
