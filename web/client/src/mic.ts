/** The caller's microphone: opened once, kept over reconnects, closed when the call ends. */

import { createLocalAudioTrack, type LocalAudioTrack, MediaDeviceFailure, Room, TrackEvent } from "livekit-client";
import type { MicState } from "./state";

export class Microphone {
  private opening: Promise<LocalAudioTrack> | null = null;
  private track: LocalAudioTrack | null = null;
  private closings = 0;
  private muted = false;
  private held = false;
  private applied: Promise<void> = Promise.resolve();

  /** `changed` hears of every state, `sounding` of every new source of sound (null when closed). */
  constructor(
    private pushToTalk: boolean,
    private readonly changed: (state: MicState) => void,
    private readonly sounding: (track: MediaStreamTrack | null) => void,
  ) {}

  /** The open track, asking the browser for it first where needed. Throws what the browser throws. */
  open(deviceId: string): Promise<LocalAudioTrack> {
    this.opening ??= this.start(deviceId);
    return this.opening;
  }

  close(): void {
    this.closings++;
    this.track?.stop();
    this.track = this.opening = null;
    this.muted = this.held = false;
    this.sounding(null);
  }

  get isMuted(): boolean {
    return this.muted;
  }

  async mute(muted: boolean): Promise<void> {
    this.muted = muted;
    await this.apply();
  }

  /** Push to talk: whether the button or key is down. */
  async hold(held: boolean): Promise<void> {
    if (this.held === held) return;
    this.held = held;
    await this.apply();
  }

  async usePushToTalk(pushToTalk: boolean): Promise<void> {
    this.pushToTalk = pushToTalk;
    this.muted = this.held = false;
    await this.apply();
  }

  async choose(deviceId: string): Promise<void> {
    await this.track?.setDeviceId({ exact: deviceId });
  }

  private async start(deviceId: string): Promise<LocalAudioTrack> {
    const { closings } = this;
    this.changed("asking");
    const track = await capture(deviceId).catch((error: unknown) => {
      this.opening = null;
      this.changed("refused");
      throw error;
    });
    if (closings !== this.closings) {
      track.stop();
      throw new Error("closed while opening");
    }
    this.track = track;
    track.on(TrackEvent.Restarted, () => this.sounding(track.mediaStreamTrack));
    this.sounding(track.mediaStreamTrack);
    await this.apply();
    return track;
  }

  /** Bring the track to what is wanted by the time its turn comes, so that quick changes never cross. */
  private apply(): Promise<void> {
    this.applied = this.applied.then(async () => {
      if (!this.track) return;
      const open = this.pushToTalk ? this.held : !this.muted;
      await (open ? this.track.unmute() : this.track.mute());
      this.changed(open ? "open" : "muted");
    });
    return this.applied;
  }
}

async function capture(deviceId: string): Promise<LocalAudioTrack> {
  const clean = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  if (deviceId === "default") return createLocalAudioTrack(clean);
  try {
    return await createLocalAudioTrack({ ...clean, deviceId: { exact: deviceId } });
  } catch (error) {
    if (MediaDeviceFailure.getFailure(error) === MediaDeviceFailure.PermissionDenied) throw error;
    return createLocalAudioTrack(clean); // The chosen device is gone: take what there is.
  }
}

/** Why there is no microphone and what helps, in a sentence or two. */
export function explainMicrophone(error: unknown): string {
  if (!navigator.mediaDevices) {
    return "Browsers open the microphone only on https or on localhost. You can type instead.";
  }
  switch (MediaDeviceFailure.getFailure(error)) {
    case MediaDeviceFailure.PermissionDenied:
      return "The browser keeps the microphone closed to this page. Allow it beside the address, or type instead.";
    case MediaDeviceFailure.NotFound:
      return "No microphone was found. Plug one in, or type instead.";
    case MediaDeviceFailure.DeviceInUse:
      return "Another program holds the microphone. Close it there, or type instead.";
    default:
      return "The microphone could not be opened. You can type instead.";
  }
}

export interface Devices {
  microphones: MediaDeviceInfo[];
  speakers: MediaDeviceInfo[];
}

/** The devices the browser tells of; their names only once the microphone was allowed. */
export async function listDevices(): Promise<Devices> {
  if (!navigator.mediaDevices) return { microphones: [], speakers: [] };
  const [microphones, speakers] = await Promise.all([
    Room.getLocalDevices("audioinput", false),
    Room.getLocalDevices("audiooutput", false),
  ]);
  return { microphones, speakers };
}

/** Whether this browser can play to a chosen device. */
export function canChooseSpeaker(): boolean {
  return "setSinkId" in HTMLMediaElement.prototype;
}
