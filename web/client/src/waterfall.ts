/** How long the caller waited for an answer and where the time went, folded away under it. */

import { make } from "./page";
import type { Stage, TurnMessage } from "./protocol";

export function waterfall(turn: TurnMessage): HTMLElement {
  const waited = turn.door === "text" ? "First word after" : "Answered after";
  const summary = make("summary", "", `${waited} ${seconds(turn.totalMs)}`);
  const spanMs = Math.max(turn.totalMs, ...turn.stages.map((stage) => stage.startMs + stage.durationMs));
  return make("details", "turn", summary, make("ul", "", ...turn.stages.map((stage) => stageRow(stage, spanMs))));
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
