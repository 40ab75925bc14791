/** Keeps the screen lit during a call: a phone that locks itself takes the microphone away. */

import { type CallState, isActive } from "./state";

export class Awake {
  private wanted = false;
  private lock: WakeLockSentinel | null = null;
  private asking: Promise<void> | null = null;

  constructor() {
    document.addEventListener("visibilitychange", () => this.hold()); // the browser let go when the page was hidden
  }

  show(state: CallState): void {
    this.wanted = isActive(state);
    if (this.wanted) this.hold();
    else void this.letGo();
  }

  private hold(): void {
    if (!this.wanted || document.visibilityState !== "visible" || this.asking) return;
    if (this.lock && !this.lock.released) return;
    this.asking = this.ask().finally(() => {
      this.asking = null;
    });
  }

  private async ask(): Promise<void> {
    try {
      this.lock = await navigator.wakeLock.request("screen");
    } catch (error) {
      console.debug("the screen may go dark", error); // no such thing in this browser, or the battery is low
    }
    if (!this.wanted) await this.letGo();
  }

  private async letGo(): Promise<void> {
    const lock = this.lock;
    this.lock = null;
    await lock?.release();
  }
}
