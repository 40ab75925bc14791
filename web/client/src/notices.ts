/** One message at a time to the caller, with at most one thing to do about it. */

export interface Notice {
  about: "line" | "microphone" | "other";
  tone: "info" | "error";
  text: string;
  action?: { label: string; run: () => void };
}

export class Notices {
  private readonly text: HTMLElement;
  private readonly wait: HTMLElement;
  private readonly button: HTMLButtonElement;
  private current: Notice | null = null;

  constructor(private readonly box: HTMLElement) {
    this.text = box.querySelector("[data-part=text]") as HTMLElement;
    this.wait = box.querySelector("[data-part=wait]") as HTMLElement;
    this.button = box.querySelector("button") as HTMLButtonElement;
    this.button.addEventListener("click", () => this.current?.action?.run());
  }

  show(notice: Notice): void {
    this.current = notice;
    this.box.dataset.tone = notice.tone;
    this.text.textContent = notice.text;
    this.wait.textContent = "";
    this.button.hidden = !notice.action;
    this.button.textContent = notice.action?.label ?? "";
    this.box.hidden = false;
  }

  /** Take the message away; with `about`, only one about that. */
  clear(about?: Notice["about"]): void {
    if (about && this.current?.about !== about) return;
    this.current = null;
    this.box.hidden = true;
    this.text.textContent = this.wait.textContent = "";
  }

  /**
   * Show `notice` while `seconds` pass, counting them down where no screen reader repeats it.
   * Resolves when they have passed; rejects with the signal's reason when it fires.
   */
  async countDown(notice: Notice, seconds: number, stopped: AbortSignal): Promise<void> {
    this.show(notice);
    for (let left = Math.ceil(seconds); left > 0; left--) {
      if (this.current === notice) this.wait.textContent = `Trying again in ${left} s.`;
      await pause(1000, stopped);
    }
    if (this.current === notice) this.clear();
  }
}

/** Wait; rejects with the signal's reason when it fires first. */
export function pause(ms: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(stopped.reason as Error);
    };
    const timer = setTimeout(() => {
      stopped.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (stopped.aborted) stop();
    else stopped.addEventListener("abort", stop, { once: true });
  });
}
