/** The caller's microphone: opened once, kept over reconnects, closed when the call ends. */

import { type AudioCaptureOptions, createLocalAudioTrack, type LocalAudioTrack, MediaDeviceFailure, TrackEvent } from "livekit-client";
import type { MicState } from "./state";

const CLEAN: AudioCaptureOptions = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** The call that a microphone was being opened for is over. */
export class Closed extends Error {}

/** Who hears of a microphone. */
export interface MicrophoneListener {
  changed(state: MicState): void;
  /** Every new source of sound; null when closed. */
  sounding(track: MediaStreamTrack | null): void;
  /** It went away in mid-call and there is no other. */
  lost(): void;
}

export class Microphone {
  private opening: Promise<LocalAudioTrack> | null = null;
  private track: LocalAudioTrack | null = null;
  private closings = 0;
  private muted = false;
  private held = false;
  private applied: Promise<void> = Promise.resolve();

  constructor(
    private pushToTalk: boolean,
    private readonly listener: MicrophoneListener,
  ) {}

  /**
   * The open track, asking the browser for it first where needed; one that went away comes back as the same track.
   * Throws what the browser throws, or `Closed`.
   */
  open(deviceId: string): Promise<LocalAudioTrack> {
    if (this.track && isGone(this.track)) this.opening = this.revive(this.track, deviceId);
    this.opening ??= this.start(deviceId);
    return this.opening;
  }

  close(): void {
    this.closings++;
    this.track?.stop();
    this.track = this.opening = null;
    this.muted = this.held = false;
    this.listener.sounding(null);
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

  /** Speak into another device from now on; where that fails, into the system's. Throws what the browser throws. */
  async choose(deviceId: string): Promise<void> {
    const track = this.track;
    if (!track) return;
    try {
      await track.restartTrack(optionsFor(deviceId));
    } catch (error) {
      await this.restart(track);
      throw error;
    }
  }

  private async start(deviceId: string): Promise<LocalAudioTrack> {
    this.listener.changed("asking");
    const track = await this.unlessClosed(onDevice(deviceId, createLocalAudioTrack), (late) => late.stop());
    this.track = track;
    track.on(TrackEvent.Restarted, () => this.listener.sounding(track.mediaStreamTrack));
    track.on(TrackEvent.Muted, () => isGone(track) && this.lose(track));
    this.listener.sounding(track.mediaStreamTrack);
    await this.apply();
    return track;
  }

  private async revive(track: LocalAudioTrack, deviceId: string): Promise<LocalAudioTrack> {
    this.listener.changed("asking");
    this.muted = false;
    await this.unlessClosed(onDevice(deviceId, (options) => track.restartTrack(options)));
    await this.apply();
    return track;
  }

  /** What opens a device, unless the microphone was closed meanwhile: then `Closed`, whatever came of it. */
  private async unlessClosed<T>(opened: Promise<T>, drop: (late: T) => void = () => {}): Promise<T> {
    const { closings } = this;
    const [result] = await Promise.allSettled([opened]);
    if (closings !== this.closings) {
      if (result.status === "fulfilled") drop(result.value);
      throw new Closed();
    }
    if (result.status === "fulfilled") return result.value;
    this.opening = null;
    this.listener.changed("refused");
    throw result.reason;
  }

  /** Bring the track to what is wanted by the time its turn comes, so that quick changes never cross. */
  private apply(): Promise<void> {
    this.applied = this.applied.then(async () => {
      const track = this.track;
      if (!track) return;
      const open = this.pushToTalk ? this.held : !this.muted;
      await (open ? this.unmute(track) : track.mute());
      if (track === this.track && !isGone(track)) this.listener.changed(open ? "open" : "muted");
    });
    return this.applied;
  }

  /** A device that went away while the track was muted is missed only now. */
  private async unmute(track: LocalAudioTrack): Promise<void> {
    try {
      await track.unmute();
    } catch (error) {
      console.warn("the microphone went away while it was muted", error);
      if (await this.restart(track)) await track.unmute();
    }
  }

  /** Take the system's device, whichever that is by now; false where there is none. */
  private async restart(track: LocalAudioTrack): Promise<boolean> {
    try {
      await track.restartTrack(CLEAN);
      return true;
    } catch (error) {
      console.warn("no other microphone", error);
      this.lose(track);
      return false;
    }
  }

  private lose(track: LocalAudioTrack): void {
    if (track !== this.track) return;
    this.listener.changed("refused");
    this.listener.lost();
  }
}

function isGone(track: LocalAudioTrack): boolean {
  return track.mediaStreamTrack.readyState === "ended";
}

function optionsFor(deviceId: string): AudioCaptureOptions {
  return deviceId === "default" ? CLEAN : { ...CLEAN, deviceId: { exact: deviceId } };
}

/** Open the chosen device or, if that is gone, what there is. */
async function onDevice<T>(deviceId: string, open: (options: AudioCaptureOptions) => Promise<T>): Promise<T> {
  try {
    return await open(optionsFor(deviceId));
  } catch (error) {
    if (deviceId === "default" || MediaDeviceFailure.getFailure(error) === MediaDeviceFailure.PermissionDenied) throw error;
    return open(CLEAN);
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
  const all = await navigator.mediaDevices.enumerateDevices(); // LiveKit's waits for an answer on the microphone first
  const of = (kind: MediaDeviceKind) => all.filter((device) => device.kind === kind);
  return { microphones: of("audioinput"), speakers: of("audiooutput") };
}

/** Whether this browser can play to a chosen device. */
export function canChooseSpeaker(): boolean {
  return "setSinkId" in HTMLMediaElement.prototype;
}
