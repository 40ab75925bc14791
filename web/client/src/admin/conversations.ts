/** Conversations as they were kept: a list, newest first, and one of them with its turns and sources. */

import { make, part } from "../page";
import { turnFrom } from "../protocol";
import { waterfall } from "../waterfall";
import type { Door } from "./door";
import { count, doorName, moment } from "./words";

interface Summary {
  id: string;
  begun_at: string;
  changed_at: string;
  turns: number;
  doors: string[];
}

interface KeptSource {
  title: string;
  place: string;
  passage: string;
  score: number;
}

interface KeptTurn {
  id: string;
  at: string;
  door: string;
  said: string;
  answer: string;
  heard: string;
  interrupted: boolean;
  sources: KeptSource[];
  latencies_ms: Record<string, number>;
}

interface Kept {
  id: string;
  begun_at: string;
  turns: KeptTurn[];
}

export class Conversations {
  private oldest = "";
  /** How often a list and a conversation were asked for: only the last answer counts. */
  private listings = 0;
  private openings = 0;

  constructor(
    private readonly door: Door,
    private readonly attempt: (work: () => Promise<void>) => Promise<void>,
  ) {
    part("older").addEventListener("click", () => void attempt(() => this.more()));
  }

  async refresh(): Promise<void> {
    this.oldest = "";
    await this.more();
  }

  private async more(): Promise<void> {
    const listing = ++this.listings;
    const query = this.oldest ? `?before=${encodeURIComponent(this.oldest)}` : "";
    const { conversations, more } = await this.door.get<{ conversations: Summary[]; more: boolean }>(`conversations${query}`);
    if (listing !== this.listings) return;
    const list = part("conversation-list");
    if (!query) list.replaceChildren();
    list.append(...conversations.map((each) => this.row(each)));
    this.oldest = conversations.at(-1)?.changed_at ?? this.oldest;
    part("older").hidden = !more;
    part("no-conversations").hidden = list.children.length > 0;
  }

  private row(summary: Summary): HTMLElement {
    const button = make("button", "pick", make("strong", "", moment(summary.changed_at)));
    button.append(make("span", "hint", `${count(summary.turns, "turn")}, ${summary.doors.map(doorName).join(" and ")}`));
    button.setAttribute("type", "button");
    button.addEventListener("click", () => void this.attempt(() => this.open(summary.id, button)));
    return make("li", "", button);
  }

  private async open(id: string, button: HTMLElement): Promise<void> {
    const opening = ++this.openings;
    const kept = await this.door.get<Kept>(`conversations/${encodeURIComponent(id)}`);
    if (opening !== this.openings) return;
    for (const other of part("conversation-list").querySelectorAll("[aria-current]")) other.removeAttribute("aria-current");
    button.setAttribute("aria-current", "true");
    part("conversation-title").textContent = `Begun ${moment(kept.begun_at)}`;
    part("turns").replaceChildren(...kept.turns.map(turnItem));
    part("conversation").hidden = false;
    part("conversation-title").focus();
  }
}

function turnItem(turn: KeptTurn): HTMLElement {
  const item = make("li", "", make("p", "hint", `${moment(turn.at)} · ${doorName(turn.door)}`));
  if (turn.said) item.append(said("Caller", "caller", turn.said));
  if (turn.heard || turn.answer) item.append(said("Agent", "agent", turn.interrupted ? `${turn.heard} …` : turn.heard || turn.answer));
  const notes = make("div", "notes");
  if (turn.interrupted) notes.append(interruption(turn));
  if (turn.sources.length > 0) notes.append(sources(turn.sources));
  const told = turnFrom({ ...turn.latencies_ms, door: turn.door, interrupted: turn.interrupted });
  if (told) notes.append(waterfall(told, "the caller's"));
  item.append(notes);
  return item;
}

function said(who: string, side: string, words: string): HTMLElement {
  return make("p", `said ${side}`, make("span", "who", who), make("span", "words", words));
}

function interruption(turn: KeptTurn): HTMLElement {
  return make("details", "", make("summary", "", "Interrupted"), make("p", "", `Written was: ${turn.answer}`));
}

function sources(kept: KeptSource[]): HTMLElement {
  const items = kept.map(({ title, place, passage, score }) => {
    const where = make("span", "where", [place, `match ${score.toFixed(2)}`].filter(Boolean).join(" · "));
    return make("li", "", make("strong", "", title), where, make("blockquote", "", passage));
  });
  return make("details", "sources", make("summary", "", count(kept.length, "source")), make("ol", "", ...items));
}
