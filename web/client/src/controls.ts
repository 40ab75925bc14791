/** The buttons of a call, the keys that do the same, and the words that say how the call is. */

import { announce, part } from "./page";
import type { Phone } from "./phone";
import type { Settings } from "./settings";
import { type CallState, describeAgent, describeMic, describePlace, inCall, isActive, START } from "./state";

const TYPING_OR_PRESSING = "input, textarea, select, button, summary, a, dialog";
const METER_INTERVAL_MS = 500;

export class Controls {
  private readonly start = part<HTMLButtonElement>("start");
  private readonly talk = part<HTMLButtonElement>("talk");
  private readonly interrupt = part<HTMLButtonElement>("interrupt");
  private readonly hangUp = part<HTMLButtonElement>("hang-up");
  private readonly documents = part<HTMLInputElement>("documents");
  private announced = START;

  constructor(
    private readonly phone: Phone,
    private readonly settings: Settings,
    private readonly save: () => void,
  ) {
    this.listenToCalls();
    this.listenToTalkButton();
    this.listenToKeys();
    this.listenToDocuments();
    part("sound-blocked").querySelector("button")?.addEventListener("click", () => void phone.startSound());
    part("in-line").querySelector("button")?.addEventListener("click", () => void phone.hangUp());
    part("starter").querySelector("button")?.addEventListener("click", () => part("starter").remove());
  }

  show(state: CallState): void {
    const [active, hadFocus] = [isActive(state), this.hasFocus()];
    document.body.dataset.phase = state.phase;
    document.body.dataset.agent = state.agent;
    this.start.hidden = active;
    this.start.lastChild?.replaceWith(state.phase === "ended" ? "Call again" : "Start talking");
    this.talk.hidden = !active;
    this.hangUp.hidden = !active || state.phase === "waiting";
    this.interrupt.hidden = !inCall(state);
    this.interrupt.disabled = state.phase !== "live" || state.agent === "listening";
    part("sound-blocked").hidden = !state.soundBlocked;
    this.showPlace(state);
    this.showTalkButton(state);
    this.showWords(state);
    if (hadFocus) this.keepFocus(active);
  }

  private showPlace(state: CallState): void {
    part("in-line").hidden = state.phase !== "waiting";
    part("place").textContent = describePlace(state);
  }

  private showTalkButton(state: CallState): void {
    const open = state.mic === "open";
    const [label, icon] = this.talkFace(state, open);
    part("talk-label").textContent = label;
    part("talk-icon").setAttribute("href", icon);
    this.talk.dataset.open = String(open);
  }

  private talkFace(state: CallState, open: boolean): [label: string, icon: string] {
    if (state.mic === "off" || state.mic === "refused") return ["Use microphone", "#icon-mic"];
    if (state.mic === "asking") return ["Asking…", "#icon-mic"];
    if (this.settings.pushToTalk) return [open ? "Talking" : "Hold to talk", "#icon-mic"];
    return open ? ["Mute", "#icon-mic"] : ["Unmute", "#icon-mic-off"];
  }

  private showWords(state: CallState): void {
    part("mic-label").textContent = describeMic(state);
    part("agent-label").textContent = describeAgent(state);
    part("hint").textContent = this.hint(state);
    part("message").setAttribute("placeholder", isActive(state) ? "Type a question" : "Or type a question");
    part("tier").hidden = state.models === "";
    part("models").textContent = `${state.models} models`;
    part("mode").textContent = state.mode && `, ${state.mode} mode`;
    const starter = document.getElementById("starter");
    if (starter) starter.hidden = state.models !== "starter";
    const news = describePlace(state) || describeAgent(state);
    if (state.phase !== this.announced.phase || state.place !== this.announced.place) announce(news);
    this.announced = state;
  }

  private hint(state: CallState): string {
    if (state.phase !== "live") return "";
    if (state.agent !== "listening") return "Speak, or press Esc, to interrupt";
    return this.settings.pushToTalk && state.mic === "muted" ? "Hold the space bar to talk" : "";
  }

  private listenToCalls(): void {
    this.start.addEventListener("click", () => void this.phone.dial(true));
    this.hangUp.addEventListener("click", () => void this.phone.hangUp());
    this.interrupt.addEventListener("click", () => void this.phone.interrupt());
  }

  private listenToTalkButton(): void {
    const { talk, phone } = this;
    talk.addEventListener("click", () => {
      if (phone.state.mic === "off" || phone.state.mic === "refused") void phone.addMicrophone();
      else if (!this.settings.pushToTalk) void phone.microphone.mute(!phone.microphone.isMuted);
    });
    talk.addEventListener("pointerdown", (event) => {
      if (!this.settings.pushToTalk) return;
      talk.setPointerCapture(event.pointerId);
      this.hold(true);
    });
    for (const name of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) {
      talk.addEventListener(name, () => this.hold(false));
    }
    talk.addEventListener("contextmenu", (event) => this.settings.pushToTalk && event.preventDefault());
  }

  private listenToKeys(): void {
    addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !document.querySelector("dialog[open]")) void this.phone.interrupt();
      if (!this.talksWith(event)) return;
      event.preventDefault();
      this.hold(true);
    });
    addEventListener("keyup", (event) => event.key === " " && this.hold(false));
    addEventListener("blur", () => this.hold(false));
  }

  /** The space bar talks where it has nothing else to do: outside every field and button but the talk button. */
  private talksWith(event: KeyboardEvent): boolean {
    if (!this.settings.pushToTalk || event.key !== " " || !isActive(this.phone.state)) return false;
    const target = event.target instanceof Element ? event.target.closest(TYPING_OR_PRESSING) : null;
    return target === null || target === this.talk;
  }

  private hold(held: boolean): void {
    if (this.settings.pushToTalk) void this.phone.microphone.hold(held);
  }

  private listenToDocuments(): void {
    this.documents.checked = this.settings.documents;
    this.documents.addEventListener("change", () => {
      this.settings.documents = this.documents.checked;
      this.save();
      void this.phone.useDocuments(this.documents.checked);
    });
  }

  private hasFocus(): boolean {
    return [this.start, this.talk, this.hangUp, this.interrupt].some((button) => button === document.activeElement);
  }

  /** A focused button that goes away hands the focus to its neighbour, never to nowhere. */
  private keepFocus(active: boolean): void {
    const focused = document.activeElement;
    if (focused instanceof HTMLButtonElement && !focused.hidden && !focused.disabled && focused !== document.body) return;
    (active ? this.talk : this.start).focus();
  }
}

/** Tells assistive technology the microphone's level now and then. */
export function reportLevel(level: () => number): void {
  const meter = part("mic-level");
  setInterval(() => meter.setAttribute("aria-valuenow", String(Math.round(100 * level()))), METER_INTERVAL_MS);
}
