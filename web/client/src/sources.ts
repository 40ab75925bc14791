/** The passages an answer rests on, folded away under it. */

import { make } from "./page";
import type { Source } from "./protocol";

export function sourcesList(sources: Source[]): HTMLElement {
  const count = sources.length === 1 ? "1 source" : `${sources.length} sources`;
  return make("details", "sources", make("summary", "", count), make("ol", "", ...sources.map(sourceItem)));
}

function sourceItem(source: Source): HTMLElement {
  const place = [source.source, source.place, likeness(source)];
  const where = make("span", "where", place.filter(Boolean).join(" · "));
  return make("li", "", make("strong", "", source.title), where, make("blockquote", "", source.text));
}

function likeness(source: Source): string {
  return source.score === null ? "" : `match ${source.score.toFixed(2)}`;
}
