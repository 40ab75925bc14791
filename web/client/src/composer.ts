/** Typing: Enter sends, Shift+Enter breaks the line. */

import { part } from "./page";

const MAX_CHARS = 20_000;

export class Composer {
  private readonly box = part<HTMLTextAreaElement>("message");

  constructor(private readonly send: (text: string) => void) {
    this.box.maxLength = MAX_CHARS;
    this.box.addEventListener("input", () => this.fit());
    this.box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || choosesWord(event)) return;
      event.preventDefault();
      this.submit();
    });
    part("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
      this.box.focus();
    });
  }

  private submit(): void {
    const text = this.box.value.trim();
    if (!text) return;
    this.box.value = "";
    this.fit();
    this.send(text);
  }

  /** As high as the text, within what the style allows. */
  private fit(): void {
    this.box.style.height = "auto";
    this.box.style.height = `${this.box.scrollHeight}px`;
  }
}

/** Enter also takes the word that an input method offers; Safari says so by the key's code alone. */
function choosesWord(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
}
