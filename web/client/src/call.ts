/** One call: a LiveKit room, what comes out of it and what goes in. Knows nothing of the page. */

import {
  AudioPresets,
  ConnectionError,
  ConnectionErrorReason,
  ConnectionState,
  DefaultReconnectPolicy,
  DisconnectReason,
  type LocalAudioTrack,
  type RemoteParticipant,
  type RemoteTrack,
  Room,
  RoomEvent,
  type TextStreamReader,
  Track,
} from "livekit-client";
import { ATTRIBUTE, INTERRUPT, readReceived, readSources, readTurn, type SourcesMessage, TOPIC, type TurnMessage } from "./protocol";
import { Refusal, type Session } from "./session";

/** What the agent's participant says of itself; `present` is false when there is none. */
export interface AgentReport {
  present: boolean;
  state: string;
  models: string;
  mode: string;
}

export interface CallListener {
  onCallerWords(segment: string, text: string, final: boolean, order: number): void;
  onAnswerWords(segment: string, delta: string): void;
  onAnswerEnd(segment: string): void;
  onSources(message: SourcesMessage): void;
  onTurn(message: TurnMessage): void;
  onAgent(report: AgentReport): void;
  onAgentSound(track: MediaStreamTrack | null): void;
  onReconnecting(): void;
  onReconnected(): void;
  /** The call is gone, and not by `hangUp`. `lost`: nobody meant it to end. */
  onGone(lost: boolean): void;
  onSoundBlocked(blocked: boolean): void;
}

const RECONNECT_DELAYS_MS = [0, 300, 600, 1200, 2000, 3000, 4000, 4000, 5000];
const RPC_TIMEOUT_MS = 3000;
const RECEIPT_MS = 1500;
const SAY_TRIES = 6;
const MEANT_TO_END = [DisconnectReason.ROOM_DELETED, DisconnectReason.PARTICIPANT_REMOVED, DisconnectReason.DUPLICATE_IDENTITY];

export class Call {
  private readonly room: Room;
  private readonly receipts = new Map<string, () => void>();
  private order = 0;
  private joined = false;
  private over = false;

  /** `sound` is where the agent's audio elements live; `speaker` the id of the output device. */
  constructor(
    private readonly listener: CallListener,
    private readonly sound: HTMLElement,
    speaker: string,
  ) {
    this.room = new Room({
      disconnectOnPageLeave: false, // what it does then looks like a lost call, to be made again
      audioOutput: { deviceId: speaker },
      publishDefaults: { audioPreset: AudioPresets.speech, stopMicTrackOnMute: false },
      reconnectPolicy: new DefaultReconnectPolicy(RECONNECT_DELAYS_MS),
    });
    this.readStreams();
    this.followAgent();
    this.followConnection();
  }

  /** Join the room of `session`. Throws `Refusal`. */
  async join(session: Session): Promise<void> {
    try {
      await this.room.connect(session.url, session.token, { maxRetries: 0 });
    } catch (error) {
      this.over = true;
      throw asRefusal(error);
    }
    this.joined = true;
    this.listener.onSoundBlocked(!this.room.canPlaybackAudio);
  }

  async publish(track: LocalAudioTrack): Promise<void> {
    await this.room.localParticipant.publishTrack(track, { source: Track.Source.Microphone });
  }

  /** Hand over a typed line: again and again until the agent confirms, as a line just found may swallow it. */
  async say(text: string, line: string): Promise<void> {
    for (let tries = 0; tries < SAY_TRIES; tries++) {
      const received = new Promise<boolean>((resolve) => {
        this.receipts.set(line, () => resolve(true));
        setTimeout(() => resolve(false), RECEIPT_MS);
      });
      await this.room.localParticipant.sendText(text, { topic: TOPIC.chat, attributes: { [ATTRIBUTE.line]: line } });
      if (await received) return;
    }
    throw new Error("the agent did not confirm");
  }

  /** Stop the agent's speech: here at once, and there by a call of its method. */
  async interrupt(): Promise<void> {
    const agent = this.agent();
    if (!agent) return;
    this.hush(true);
    await this.room.localParticipant.performRpc({
      destinationIdentity: agent.identity,
      method: INTERRUPT,
      payload: "",
      responseTimeout: RPC_TIMEOUT_MS,
    });
  }

  async useDocuments(use: boolean): Promise<void> {
    await this.room.localParticipant.setAttributes({ [ATTRIBUTE.documents]: use ? "on" : "off" });
  }

  async chooseSpeaker(deviceId: string): Promise<void> {
    await this.room.switchActiveDevice("audiooutput", deviceId);
  }

  async startSound(): Promise<void> {
    await this.room.startAudio();
  }

  /** Leave; the microphone's track is left alone. */
  async hangUp(): Promise<void> {
    this.over = true;
    await this.room.disconnect(false);
    this.sound.replaceChildren();
  }

  /** Tell the listener of the agent as it is now, unless the line is down; every later change is told by itself. */
  reportAgent(): void {
    if (this.over || this.room.state !== ConnectionState.Connected) return;
    const agent = this.agent();
    const attributes = agent?.attributes ?? {};
    this.hush(false);
    this.listener.onAgent({
      present: agent !== undefined,
      state: attributes[ATTRIBUTE.agentState] ?? "",
      models: attributes[ATTRIBUTE.models] ?? "",
      mode: attributes[ATTRIBUTE.mode] ?? "",
    });
  }

  private readStreams(): void {
    this.room.registerTextStreamHandler(TOPIC.transcription, (reader, { identity }) => {
      if (identity === this.room.localParticipant.identity) void this.readCaller(reader, ++this.order);
      else void this.readAnswer(reader);
    });
    this.room.registerTextStreamHandler(TOPIC.sources, async (reader) => {
      const message = readSources(await readAll(reader));
      if (message) this.listener.onSources(message);
    });
    this.room.registerTextStreamHandler(TOPIC.turn, async (reader) => {
      const message = readTurn(await readAll(reader));
      if (message) this.listener.onTurn(message);
    });
    this.room.registerTextStreamHandler(TOPIC.received, async (reader) => {
      this.receipts.get(readReceived(await readAll(reader)))?.();
    });
  }

  private async readCaller(reader: TextStreamReader, order: number): Promise<void> {
    const text = await readAll(reader);
    const attributes = reader.info.attributes ?? {};
    const final = attributes[ATTRIBUTE.final] === "true";
    this.listener.onCallerWords(attributes[ATTRIBUTE.segment] ?? reader.info.id, text, final, order);
  }

  private async readAnswer(reader: TextStreamReader): Promise<void> {
    const segment = reader.info.attributes?.[ATTRIBUTE.segment] ?? reader.info.id;
    try {
      for await (const delta of reader) this.listener.onAnswerWords(segment, delta);
    } catch (error) {
      console.debug("an answer's stream broke off", error);
    }
    this.listener.onAnswerEnd(segment);
  }

  private followAgent(): void {
    const report = () => this.reportAgent();
    this.room
      .on(RoomEvent.ParticipantConnected, report)
      .on(RoomEvent.ParticipantDisconnected, report)
      .on(RoomEvent.ParticipantAttributesChanged, report)
      .on(RoomEvent.TrackSubscribed, (track) => {
        this.play(track);
        report();
      })
      .on(RoomEvent.TrackUnsubscribed, (track) => this.stopPlaying(track));
  }

  private followConnection(): void {
    this.room
      .on(RoomEvent.Reconnecting, () => this.listener.onReconnecting())
      .on(RoomEvent.SignalReconnecting, () => this.listener.onReconnecting())
      .on(RoomEvent.Reconnected, () => {
        this.listener.onReconnected();
        this.reportAgent();
      })
      .on(RoomEvent.AudioPlaybackStatusChanged, () => this.listener.onSoundBlocked(!this.room.canPlaybackAudio))
      .on(RoomEvent.Disconnected, (reason) => this.end(reason));
  }

  private end(reason: DisconnectReason | undefined): void {
    if (this.over || !this.joined) return; // A call that never came to be is told of by `join` alone.
    this.over = true;
    this.sound.replaceChildren();
    this.listener.onGone(reason === undefined || !MEANT_TO_END.includes(reason));
  }

  /**
   * The agent, once its voice arrives: before that its own line may not be up, and typed words would get lost. The last
   * to come counts: one whose process died may linger beside its successor.
   */
  private agent(): RemoteParticipant | undefined {
    const agents = [...this.room.remoteParticipants.values()].filter((participant) => participant.isAgent);
    return agents.findLast((agent) => [...agent.audioTrackPublications.values()].some((voice) => voice.isSubscribed));
  }

  private play(track: RemoteTrack): void {
    if (track.kind !== Track.Kind.Audio) return;
    this.sound.replaceChildren(track.attach()); // a line that was lost leaves its element behind
    this.listener.onAgentSound(track.mediaStreamTrack);
  }

  private stopPlaying(track: RemoteTrack): void {
    for (const element of track.detach()) element.remove();
    if (!this.sound.hasChildNodes()) this.listener.onAgentSound(null);
  }

  private hush(quiet: boolean): void {
    for (const element of this.sound.querySelectorAll("audio")) element.muted = quiet;
  }
}

async function readAll(reader: TextStreamReader): Promise<string> {
  try {
    return await reader.readAll();
  } catch (error) {
    console.debug("a text stream broke off", error);
    return "";
  }
}

function asRefusal(error: unknown): Refusal {
  const notAllowed = error instanceof ConnectionError && error.reason === ConnectionErrorReason.NotAllowed;
  return new Refusal(notAllowed ? "refused" : "livekit_away", String(error));
}
