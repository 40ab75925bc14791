/** The conversation as a log on the page. */

import type { Entry } from "./conversation";
import { announce, make } from "./page";
import { sourcesList } from "./sources";
import { waterfall } from "./waterfall";

const NEAR_END_PX = 80;

export class Captions {
  private readonly items = new Map<Entry, Item>();

  constructor(
    private readonly log: HTMLElement,
    private readonly scroller: HTMLElement,
    private readonly welcome: HTMLElement,
  ) {
    // An opened note comes into sight as a whole; "toggle" doesn't bubble, so it is caught on its way down.
    log.addEventListener("toggle", ({ target }) => target instanceof HTMLElement && showWhole(target), true);
  }

  /** Draw an entry as it is now; one without words is taken away. */
  update(entry: Entry): void {
    this.log.hidden = false;
    this.welcome.hidden = true;
    const justTyped = entry.typed && !this.items.has(entry);
    this.keepEndInSight(justTyped, () => {
      const item = this.items.get(entry) ?? this.add(entry);
      if (item.waits && !entry.pending) this.log.append(item.element);
      item.draw(entry);
      if (entry.final && !entry.text) this.remove(entry, item);
    });
  }

  /** A line across the log, where there is one already. */
  divide(text: string): void {
    if (this.log.hidden || this.log.lastElementChild?.matches(".divider")) return;
    this.keepEndInSight(false, () => this.log.append(make("li", "divider", text)));
  }

  private add(entry: Entry): Item {
    const item = new Item(entry);
    this.items.set(entry, item);
    this.log.append(item.element);
    return item;
  }

  private remove(entry: Entry, item: Item): void {
    item.element.remove();
    this.items.delete(entry);
  }

  /** Follow the talk, unless the reader has scrolled back; `always` follows even then. */
  private keepEndInSight(always: boolean, change: () => void): void {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    const atEnd = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    change();
    if (always || atEnd) this.scroller.scrollTop = this.scroller.scrollHeight;
  }
}

function showWhole(details: HTMLElement): void {
  if (details.hasAttribute("open")) details.scrollIntoView({ block: "nearest" });
}

class Item {
  readonly element: HTMLElement;
  private readonly words = make("p", "words");
  private readonly notes = make("div", "notes");
  private drawn: Partial<Entry> = {};

  /** Whether the line was drawn as not yet sent. */
  get waits(): boolean {
    return this.drawn.pending === true;
  }

  constructor(entry: Entry) {
    const name = entry.side === "agent" ? "Landline" : entry.typed ? "You, typed" : "You";
    this.element = make("li", `entry ${entry.side}`, make("span", "who", name), this.words);
  }

  draw(entry: Entry): void {
    this.words.textContent = entry.text;
    this.element.classList.toggle("unsettled", !entry.final || entry.pending);
    this.element.classList.toggle("cut", entry.cut);
    if (entry.final && !this.drawn.final && entry.side === "agent") announce(`Landline: ${entry.text}`);
    if (entry.sources !== this.drawn.sources || entry.turn !== this.drawn.turn) this.drawNotes(entry);
    this.drawn = { ...entry };
  }

  private drawNotes(entry: Entry): void {
    const parts = [];
    if (entry.sources.length > 0) parts.push(sourcesList(entry.sources));
    if (entry.turn) parts.push(waterfall(entry.turn));
    this.notes.replaceChildren(...parts);
    if (parts.length > 0) this.element.append(this.notes);
  }
}
