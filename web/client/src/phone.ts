/** Calls, one after the other: dialing, losing and finding the line again, and what the caller does meanwhile. */

import { type AgentReport, Call, type CallListener } from "./call";
import type { Conversation, Entry } from "./conversation";
import type { Meter } from "./meter";
import { Closed, explainMicrophone, Microphone } from "./mic";
import type { Notice, Notices } from "./notices";
import { explainRefusal, waitBeforeRedial } from "./redial";
import { type InLine, isInLine, leaveLine, Refusal, requestSession, type Session } from "./session";
import type { Settings } from "./settings";
import { type CallEvent, type CallState, inCall, isActive, next, START } from "./state";

const AGENT_PATIENCE_MS = 8000;
const LONELY_REDIALS = 2;

export interface PhoneParts {
  settings: Settings;
  conversation: Conversation;
  notices: Notices;
  /** Where the agent's audio elements live. */
  sound: HTMLElement;
  callerMeter: Meter;
  agentMeter: Meter;
  /** Draws a new state. */
  show: (state: CallState) => void;
  /** Marks in the log that one call ended and another begins. */
  divide: (text: string) => void;
}

export class Phone {
  state: CallState = START;
  private call: Call | null = null;
  private hungUp = new AbortController();
  /** The caller's place among those who wait for a line. */
  private waiting: InLine | null = null;
  /** What the next call from this page goes on with: the agent remembers what the page shows. */
  private conversation: string | null = null;
  private outbox: Entry[] = [];
  /** The call that a typed line is being handed to. */
  private sending: Call | null = null;
  private wantsMicrophone = false;
  private wasAnswered = false;
  private lonelyRedials = 0;
  private patience: ReturnType<typeof setTimeout> | undefined;
  readonly microphone: Microphone;

  constructor(private readonly parts: PhoneParts) {
    this.microphone = new Microphone(parts.settings.pushToTalk, {
      changed: (mic) => this.apply({ type: "mic", mic }),
      sounding: (track) => parts.callerMeter.listen(track),
      lost: () => this.tellOfMicrophone("The microphone is gone, and you are not heard. Plug one in, or type instead."),
    });
    addEventListener("pagehide", () => isActive(this.state) && void this.hangUp());
  }

  /** Begin a call, with the microphone or for typing alone. */
  async dial(withMicrophone: boolean): Promise<void> {
    if (isActive(this.state)) return;
    this.hungUp = new AbortController();
    this.wantsMicrophone = withMicrophone;
    this.wasAnswered = false;
    this.lonelyRedials = 0;
    this.parts.notices.clear();
    this.parts.divide("New call");
    this.apply({ type: "dialed" });
    if (withMicrophone) void this.openMicrophone();
    await this.connect(false);
  }

  async hangUp(): Promise<void> {
    this.hungUp.abort();
    this.finish();
    await this.dropCall();
  }

  /** Open the microphone in a call that began without it. */
  async addMicrophone(): Promise<void> {
    this.wantsMicrophone = true;
    await this.openMicrophone();
    if (this.wantsMicrophone && inCall(this.state)) await this.publishMicrophone();
  }

  /** Send a typed line as soon as the agent can read it; begins a call where there is none. */
  type(text: string): void {
    this.outbox.push(this.parts.conversation.typed(text));
    if (!isActive(this.state)) void this.dial(false);
    else void this.sendTyped();
  }

  async interrupt(): Promise<void> {
    if (this.state.phase !== "live" || this.state.agent === "listening") return;
    await this.attempt("The agent could not be stopped.", () => this.call?.interrupt());
  }

  async useDocuments(use: boolean): Promise<void> {
    if (!inCall(this.state)) return;
    await this.attempt("The documents switch did not reach the agent.", () => this.call?.useDocuments(use));
  }

  async chooseSpeaker(deviceId: string): Promise<void> {
    await this.attempt("That speaker could not be used.", () => this.call?.chooseSpeaker(deviceId));
  }

  async chooseMicrophone(deviceId: string): Promise<void> {
    await this.attempt("That microphone could not be used.", () => this.microphone.choose(deviceId));
  }

  async startSound(): Promise<void> {
    await this.attempt("The browser still holds the sound back.", () => this.call?.startSound());
  }

  private apply(event: CallEvent): void {
    this.state = next(this.state, event);
    this.parts.show(this.state);
  }

  private async attempt(failure: string, action: () => Promise<void> | undefined): Promise<void> {
    try {
      await action();
    } catch (error) {
      console.warn(failure, error);
      this.parts.notices.show({ about: "other", tone: "error", text: failure });
    }
  }

  /** Dial until connected, told to stop, or out of reasons to try. */
  private async connect(lost: boolean): Promise<void> {
    const hungUp = this.hungUp.signal;
    for (let failures = 0; ; failures++) {
      try {
        return await this.tryOnce(hungUp);
      } catch (error) {
        if (hungUp.aborted) return;
        if (!(error instanceof Refusal)) throw error;
        const hasPlace = this.waiting !== null;
        const waitS = waitBeforeRedial({ ...error, code: error.code, failures, lost: lost || hasPlace });
        if (waitS === null) return this.fail(error, lost);
        if (!(await this.waitToRedial(error, lost, waitS, hungUp))) return;
      }
    }
  }

  private async tryOnce(hungUp: AbortSignal): Promise<void> {
    const { settings, sound } = this.parts;
    const [session, documents] = await this.waitForLine(hungUp);
    const call = new Call(this.listener(), sound, settings.speaker);
    this.call = call;
    await call.join(session);
    if (hungUp.aborted) return call.hangUp();
    this.apply({ type: "connected", models: session.models });
    this.waitForAgent();
    call.reportAgent();
    if (this.wantsMicrophone) void this.publishMicrophone();
    if (settings.documents !== documents) await this.useDocuments(settings.documents);
  }

  /**
   * A call's room and pass, and whether they are for documents, after as long in line as it takes. A place outlives a
   * door that is away for a moment.
   */
  private async waitForLine(hungUp: AbortSignal): Promise<[Session, boolean]> {
    for (;;) {
      const { documents } = this.parts.settings;
      const answer = await requestSession(documents, hungUp, this.waiting, this.conversation);
      this.waiting = isInLine(answer) ? answer : null;
      if (!isInLine(answer)) {
        this.conversation = answer.conversation;
        return [answer, documents];
      }
      this.parts.notices.clear("line");
      this.apply({ type: "queued", place: answer.place });
    }
  }

  private leaveLine(): void {
    if (this.waiting) leaveLine(this.waiting);
    this.waiting = null;
  }

  private fail(refusal: Refusal, lost: boolean): void {
    this.finish();
    const again = () => void this.dial(this.wantsMicrophone);
    const text = explainRefusal(refusal.code, lost);
    this.parts.notices.show({ about: "line", tone: "error", text, action: { label: "Try again", run: again } });
  }

  private async waitToRedial(refusal: Refusal, lost: boolean, seconds: number, hungUp: AbortSignal): Promise<boolean> {
    const text = explainRefusal(refusal.code, lost);
    const stop = { label: "Stop trying", run: () => void this.hangUp() };
    this.apply({ type: "dialed" });
    try {
      await this.parts.notices.countDown({ about: "line", tone: "error", text, action: stop }, seconds, hungUp);
      return true;
    } catch {
      return false;
    }
  }

  private finish(): void {
    clearTimeout(this.patience);
    this.leaveLine();
    this.parts.conversation.breakOff();
    this.parts.notices.clear();
    this.microphone.close();
    this.parts.agentMeter.listen(null);
    this.apply({ type: "ended" });
  }

  private async dropCall(): Promise<void> {
    const call = this.call;
    this.call = null;
    await call?.hangUp();
  }

  private async openMicrophone(): Promise<void> {
    try {
      await this.microphone.open(this.parts.settings.microphone);
      this.parts.notices.clear("microphone");
    } catch (error) {
      if (error instanceof Closed) return;
      console.warn("no microphone", error);
      this.wantsMicrophone = false;
      this.tellOfMicrophone(explainMicrophone(error));
    }
  }

  private tellOfMicrophone(text: string, action?: Notice["action"]): void {
    if (isActive(this.state)) this.parts.notices.show({ about: "microphone", tone: "error", text, action });
  }

  private async publishMicrophone(): Promise<void> {
    const call = this.call;
    const track = await this.microphone.open(this.parts.settings.microphone).catch(() => null); // told where it was asked for
    if (!track || !call || call !== this.call) return;
    try {
      await call.publish(track);
      this.parts.notices.clear("microphone");
    } catch (error) {
      console.warn("the microphone was not published", error);
      const again = () => void this.publishMicrophone();
      const text = "Your voice does not reach the call.";
      if (call === this.call) this.tellOfMicrophone(text, { label: "Try again", run: again });
    }
  }

  private listener(): CallListener {
    const { conversation, agentMeter } = this.parts;
    return {
      onCallerWords: (segment, text, final, order) => conversation.heard(segment, text, final, order),
      onAnswerWords: (segment, delta) => conversation.answered(segment, delta),
      onAnswerEnd: (segment) => conversation.answerEnded(segment),
      onSources: (message) => conversation.addSources(message),
      onTurn: (message) => conversation.addTurn(message),
      onAgent: (report) => this.followAgent(report),
      onAgentSound: (track) => agentMeter.listen(track),
      onReconnecting: () => this.apply({ type: "reconnecting" }),
      onReconnected: () => this.waitForAgent(),
      onGone: (lost) => this.leave(lost),
      onSoundBlocked: (blocked) => this.apply({ type: "sound", blocked }),
    };
  }

  private followAgent(report: AgentReport): void {
    const before = this.state.phase;
    this.apply({ type: "agent", ...report });
    if (this.state.phase !== "live") {
      if (before === "live") this.waitForSuccessor();
      return;
    }
    clearTimeout(this.patience);
    this.parts.notices.clear("line");
    this.wasAnswered = true;
    this.lonelyRedials = 0;
    void this.sendTyped();
  }

  private async sendTyped(): Promise<void> {
    const call = this.call;
    while (this.state.phase === "live" && call && call !== this.sending && this.outbox.length > 0) {
      const entry = this.outbox[0] as Entry;
      this.sending = call;
      try {
        await call.say(entry.text, String(entry.id));
        this.outbox.shift();
        this.parts.conversation.sent(entry);
      } catch (error) {
        console.warn("a typed line was not sent", error);
        return;
      } finally {
        if (this.sending === call) this.sending = null;
      }
    }
  }

  /** The agent left in mid-call: what it was saying ends here, and another may go on in the same room. */
  private waitForSuccessor(): void {
    this.parts.conversation.breakOff();
    this.waitForAgent();
  }

  /** Give the agent some seconds to come; one that was here before is looked for by dialing anew. */
  private waitForAgent(): void {
    clearTimeout(this.patience);
    this.patience = setTimeout(() => {
      if (this.state.phase === "live") return;
      if (this.wasAnswered && this.lonelyRedials++ < LONELY_REDIALS) return this.leave(true);
      const again = () => void this.redial();
      const text = "Nobody has picked up yet. The agent may still be starting.";
      this.parts.notices.show({ about: "line", tone: "error", text, action: { label: "Try again", run: again } });
    }, AGENT_PATIENCE_MS);
  }

  /** The call is gone: for good where that was meant, else a new one takes its place. */
  private leave(lost: boolean): void {
    if (!isActive(this.state)) return;
    if (lost) return void this.redial();
    this.call = null;
    this.finish();
    this.parts.notices.show({ about: "line", tone: "info", text: "The call was ended at the other end." });
  }

  private async redial(): Promise<void> {
    clearTimeout(this.patience);
    this.parts.conversation.breakOff();
    this.apply({ type: "lost" });
    this.parts.divide("Connection lost");
    const text = "The connection was lost. Calling again; what was said stays here.";
    this.parts.notices.show({ about: "line", tone: "info", text });
    await this.dropCall();
    await this.connect(true);
  }
}
