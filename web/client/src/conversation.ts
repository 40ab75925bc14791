/** What was said, by whom, in order: the model behind the page's log. No DOM. */

import type { Source, SourcesMessage, TurnMessage } from "./protocol";

export type Side = "caller" | "agent";

export interface Entry {
  readonly id: number;
  readonly side: Side;
  /** Typed rather than spoken. */
  readonly typed: boolean;
  text: string;
  /** Nothing more comes. */
  final: boolean;
  /** Typed, but not yet handed to the agent. */
  pending: boolean;
  /** Ended before its sentence did. */
  cut: boolean;
  sources: Source[];
  turn: TurnMessage | null;
}

interface Segment {
  entry: Entry;
  text: string;
  final: boolean;
  order: number;
}

const SEARCHED_ENTRIES = 4;
/** Two answers that begin alike for as long as this are one. */
const TELLING_CHARS = 24;

/** Collects captions, typed lines, sources and times; tells `changed` about every entry that is new, other or gone. */
export class Conversation {
  readonly entries: Entry[] = [];
  private readonly segments = new Map<string, Segment>();
  private readonly entryOfTurn = new Map<string, Entry>();
  /** The sources of an answer of which nothing was heard yet. */
  private waiting: SourcesMessage | null = null;
  private nextId = 1;

  constructor(private readonly changed: (entry: Entry) => void) {}

  /**
   * The caller's words as understood so far. Each message carries the segment's whole text; `order` tells a late
   * one from a newer. Segments with no answer between them are one entry; a segment that ends empty is taken back.
   */
  heard(segment: string, text: string, final: boolean, order: number): void {
    const known = this.segments.get(segment);
    if (known && (known.final || known.order > order)) return;
    if (!known && !text) return;
    const part = known ?? this.startSegment(segment, this.openCallerEntry());
    Object.assign(part, { text, final, order });
    this.refresh(part.entry);
  }

  /** A line the caller typed. `pending` until it is sent. */
  typed(text: string): Entry {
    const entry = this.add({ side: "caller", typed: true, text, final: true, pending: true });
    this.changed(entry);
    return entry;
  }

  /** A typed line was sent: it stands where it was heard, after all that came while it waited. */
  sent(entry: Entry): void {
    entry.pending = false;
    this.remove(entry);
    this.entries.push(entry);
    this.changed(entry);
  }

  /** More words of an answer. */
  answered(segment: string, delta: string): void {
    const part = this.segments.get(segment) ?? this.startSegment(segment, this.add({ side: "agent" }));
    part.text += delta;
    this.refresh(part.entry);
    this.claimSources(part.entry);
  }

  /** An answer is over; one that stops within a sentence was cut. */
  answerEnded(segment: string): void {
    const part = this.segments.get(segment);
    if (!part || part.final) return;
    part.final = true;
    part.entry.cut = !endsSentence(part.text);
    this.refresh(part.entry);
    this.claimSources(part.entry);
  }

  /** Sources go under the answer they belong to, or wait for its first words; those of an answer that never came give way. */
  addSources(message: SourcesMessage): void {
    const entry = this.entryOfTurn.get(message.turn) ?? this.findAnswer(message.answer);
    if (entry) this.giveSources(entry, message);
    else this.waiting = message;
  }

  /** The times of a turn go under its answer: the one its sources name, else the last without times. */
  addTurn(message: TurnMessage): void {
    const entry = this.entryOfTurn.get(message.turn) ?? this.lastAnswer((each) => each.turn === null);
    if (!entry) return;
    this.entryOfTurn.set(message.turn, entry);
    entry.turn = message;
    entry.cut ||= message.interrupted;
    this.changed(entry);
  }

  /** The call is gone: what was being said ends here, and what follows belongs to the next one. */
  breakOff(): void {
    for (const part of this.segments.values()) {
      part.final = true;
      if (part.entry.final) continue;
      part.entry.cut = !endsSentence(part.entry.text);
      part.entry.final = true;
      this.changed(part.entry);
    }
    this.segments.clear();
    this.entryOfTurn.clear();
    this.waiting = null;
  }

  private startSegment(name: string, entry: Entry): Segment {
    const part: Segment = { entry, text: "", final: false, order: 0 };
    this.segments.set(name, part);
    return part;
  }

  private openCallerEntry(): Entry {
    const last = this.entries.at(-1);
    if (last && this.parts(last).length > 0 && last.side === "caller") return last;
    return this.add({ side: "caller" });
  }

  /** The sources that wait belong to this answer if its words, once there are some, are theirs. */
  private claimSources(entry: Entry): void {
    const message = this.waiting;
    if (!message || entry.sources.length > 0) return;
    const isTelling = entry.final || entry.text.length >= TELLING_CHARS || plain(entry.text) === plain(message.answer);
    if (message.answer && !(isTelling && sharesBeginning(entry.text, message.answer))) return;
    this.waiting = null;
    this.giveSources(entry, message);
  }

  private add(fields: Pick<Entry, "side"> & Partial<Entry>): Entry {
    const blank = { typed: false, text: "", final: false, pending: false, cut: false, sources: [], turn: null };
    const entry: Entry = { id: this.nextId++, ...blank, ...fields };
    this.entries.push(entry);
    return entry;
  }

  private refresh(entry: Entry): void {
    const parts = this.parts(entry);
    entry.text = parts.map((part) => part.text.trim()).filter(Boolean).join(" ");
    entry.final = parts.every((part) => part.final);
    if (entry.final && !entry.text) this.remove(entry);
    this.changed(entry);
  }

  private parts(entry: Entry): Segment[] {
    return [...this.segments.values()].filter((part) => part.entry === entry);
  }

  private remove(entry: Entry): void {
    this.entries.splice(this.entries.indexOf(entry), 1);
  }

  private giveSources(entry: Entry, message: SourcesMessage): void {
    this.entryOfTurn.set(message.turn, entry);
    entry.sources = message.sources;
    this.changed(entry);
  }

  /** The answer with these words, among the last few; without words to go by, the one since the last question. */
  private findAnswer(answer: string): Entry | undefined {
    const taken = new Set(this.entryOfTurn.values());
    const free = this.entries.slice(-SEARCHED_ENTRIES).filter((entry) => entry.side === "agent" && !taken.has(entry));
    if (answer) {
      const match = free.findLast((entry) => entry.text !== "" && sharesBeginning(entry.text, answer));
      if (match) return match;
    }
    const last = this.entries.at(-1);
    return !answer && last && free.includes(last) ? last : undefined;
  }

  private lastAnswer(fits: (entry: Entry) => boolean): Entry | undefined {
    return this.entries.findLast((entry) => entry.side === "agent" && fits(entry));
  }
}

function sharesBeginning(one: string, other: string): boolean {
  const [a, b] = [plain(one), plain(other)];
  return a.startsWith(b) || b.startsWith(a);
}

function plain(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();
}

function endsSentence(text: string): boolean {
  return /[.!?…:]["'”’)\]]*$/u.test(text.trim());
}
