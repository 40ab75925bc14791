/** How long the caller waited for an answer and where the time went, folded away under it. */

import { make } from "./page";
import type { Stage, TurnMessage } from "./protocol";

/** `whose` turn it was, for those who read it. */
export function waterfall(turn: TurnMessage, whose = "your"): HTMLElement {
  const waited = turn.door === "text" || turn.door === "http" ? "First word after" : "Answered after";
  const summary = make("summary", "", `${waited} ${seconds(turn.totalMs)}`);
  const spanMs = Math.max(turn.totalMs, ...turn.stages.map((stage) => stage.startMs + stage.durationMs));
  const rows = turn.stages.map((stage) => stageRow(stage, spanMs));
  return make("details", "turn", summary, make("ul", "", ...rows, ...guesses(turn, whose).map((text) => make("li", "guess", text))));
}

/** What was begun before the caller had finished, and what became of it. */
function guesses({ aheadMs, thrownAway }: TurnMessage, whose: string): string[] {
  const used = aheadMs > 0 ? [`Begun ${Math.round(aheadMs)} ms before ${whose} turn was over.`] : [];
  const times = thrownAway === 1 ? "once" : `${thrownAway} times`;
  return thrownAway > 0 ? [...used, `Begun ${times} before for words that then changed.`] : used;
}

function stageRow(stage: Stage, spanMs: number): HTMLElement {
  const bar = make("span", "bar");
  bar.style.setProperty("--from", `${(100 * stage.startMs) / spanMs}%`);
  bar.style.setProperty("--width", `${(100 * stage.durationMs) / spanMs}%`);
  const track = make("span", "track", bar);
  return make("li", "", make("span", "name", stage.name), track, make("span", "ms", `${Math.round(stage.durationMs)} ms`));
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
