/** What is happening: calls with their turns, models, the last hours. */

import { make, part } from "../page";
import { turnFrom } from "../protocol";
import { waterfall } from "../waterfall";
import { drawErrors, drawLatency, type Recent } from "./charts";
import type { Door } from "./door";
import { ago, clock, count, doorName } from "./words";

interface LiveTurn {
  at_s: number;
  door: string;
  interrupted: boolean;
  speculation: string;
  thrown_away: number;
  stages_ms: Record<string, number>;
}

interface LiveCall {
  id: string;
  door: string;
  since_s: number;
  turns: LiveTurn[];
}

interface Model {
  state: string;
  name: string;
  tier: string;
  error: string | null;
}

interface Happening {
  calls: LiveCall[];
  models: { status: string; models: Record<string, Model>; capacity: { calls: number; fits: number; predicted_ms: number | null } };
  recent: Recent;
}

const KINDS: Record<string, string> = {
  whisper: "Hearing",
  llama: "Answering",
  piper: "Speaking",
  embedder: "Finding",
  knowledge: "Documents",
};

export class Now {
  /** What was drawn of each turn stays, so that an open waterfall is not closed by news. */
  private readonly drawn = new Map<string, HTMLElement>();
  private latest: Recent | null = null;

  constructor(private readonly door: Door) {
    new ResizeObserver(() => this.drawCharts()).observe(part("latency"));
  }

  async refresh(): Promise<void> {
    const happening = await this.door.get<Happening>("now");
    this.showFigures(happening);
    this.showCalls(happening);
    showModels(happening.models.models);
    this.latest = happening.recent;
    this.drawCharts();
  }

  private drawCharts(): void {
    if (!this.latest || part("now").hidden) return;
    drawLatency(part("latency"), this.latest);
    drawErrors(part("errors"), this.latest);
  }

  private showFigures({ models, recent }: Happening): void {
    const { calls: running, fits, predicted_ms: predicted } = models.capacity;
    const lastHour = recent.minutes.filter((minute) => minute.at_s > recent.now_s - 3600);
    const turns = lastHour.reduce((all, minute) => all + minute.turns, 0);
    const figures: [string, string][] = [
      ["Calls", `${running} of ${fits}`],
      ["Turns in the last hour", String(turns)],
      ["One more call would wait", predicted === null ? "not measured yet" : `${Math.round(predicted)} ms`],
      ["Models", models.status],
    ];
    part("figures").replaceChildren(...figures.map(([name, value]) => make("div", "", make("dt", "", name), make("dd", "", value))));
  }

  private showCalls({ calls, recent }: Happening): void {
    part("no-calls").hidden = calls.length > 0;
    const wanted = new Set<string>();
    const cards = calls.map((call) => {
      const turns = call.turns.map((turn) => {
        const key = `${call.id} ${turn.at_s}`;
        wanted.add(key);
        return this.turn(key, turn);
      });
      return this.card(call, recent.now_s, turns.reverse(), wanted);
    });
    replaceIfOther(part("calls"), cards);
    for (const key of this.drawn.keys()) if (!wanted.has(key)) this.drawn.delete(key);
  }

  private card(call: LiveCall, nowS: number, turns: HTMLElement[], wanted: Set<string>): HTMLElement {
    wanted.add(call.id);
    const card = this.drawn.get(call.id) ?? make("li", "card", make("h4", "", call.id), make("p", "hint"), make("ol", "turns notes"));
    this.drawn.set(call.id, card);
    const [, facts, list] = card.children as unknown as [HTMLElement, HTMLElement, HTMLElement];
    facts.textContent = [doorName(call.door), lasted(call, nowS), count(turns.length, "turn")].join(" · ");
    replaceIfOther(list, turns);
    return card;
  }

  private turn(key: string, turn: LiveTurn): HTMLElement {
    const known = this.drawn.get(key);
    if (known) return known;
    const item = make("li", "", make("p", "hint", facts(turn)));
    const told = turnFrom({ ...turn, ...milliseconds(turn.stages_ms) });
    if (told) item.append(waterfall(told, "the caller's"));
    this.drawn.set(key, item);
    return item;
  }
}

/** Over HTTP nobody says when a conversation is over. */
function lasted(call: LiveCall, nowS: number): string {
  const newest = call.turns.at(-1);
  if (call.door === "http" && newest) return `last asked ${ago(1000 * (nowS - newest.at_s))} ago`;
  return `for ${ago(1000 * (nowS - call.since_s))}`;
}

function facts(turn: LiveTurn): string {
  const parts = [clock(turn.at_s), doorName(turn.door), turn.interrupted ? "interrupted" : ""];
  return parts.filter(Boolean).join(" · ");
}

/** The engine's stages under the names that a call's own messages have. */
export function milliseconds(stages: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(stages).map(([name, value]) => [name.endsWith("_ms") ? name : `${name}_ms`, value]));
}

/** Leaves what has the focus or is open alone while it stays the same. */
function replaceIfOther(list: HTMLElement, items: HTMLElement[]): void {
  const same = list.children.length === items.length && items.every((item, i) => list.children[i] === item);
  if (!same) list.replaceChildren(...items);
}

function showModels(models: Record<string, Model>): void {
  const rows = Object.entries(models).map(([kind, model]) => {
    const state = make("span", "state", model.state);
    state.dataset.state = model.state;
    const row = make("li", "", make("strong", "", KINDS[kind] ?? kind), make("span", "", model.name), make("span", "hint", model.tier), state);
    if (model.error) row.append(make("p", "wrong", model.error));
    return row;
  });
  part("models").replaceChildren(...rows);
}
