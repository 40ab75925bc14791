/** Two small charts over the last hours: how long callers waited, and what went wrong. */

import { make } from "../page";
import { clock, count, plain } from "./words";

export interface Minute {
  at_s: number;
  turns: number;
  median_ms: number | null;
  slow_ms: number | null;
  errors: Record<string, number>;
}

export interface Recent {
  now_s: number;
  span_s: number;
  minutes: Minute[];
}

interface Frame {
  width: number;
  height: number;
  /** Where a moment and a value lie. */
  x: (atS: number) => number;
  y: (value: number) => number;
  top: number;
  svg: SVGSVGElement;
}

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 180;
const MARGIN = { left: 62, right: 12, top: 12, bottom: 26 };
const MINUTE_S = 60;
const HOUR_S = 3600;

/** Draws the answer times: a line from each minute's median to its 95th percentile, a dot on the median. */
export function drawLatency(figure: HTMLElement, recent: Recent): void {
  const told = recent.minutes.filter((minute) => minute.median_ms !== null);
  if (told.length === 0) return nothing(figure, "No answers in the last three hours.");
  const slowest = Math.max(...told.map((minute) => minute.slow_ms ?? 0));
  const summary = `${count(sum(told, (minute) => minute.turns), "turn")}; the slowest minute's answers took up to ${Math.round(slowest)} ms.`;
  const chart = frame(figure, recent, slowest, summary, (value) => `${Math.round(value)} ms`);
  for (const minute of told) {
    const x = chart.x(minute.at_s + MINUTE_S / 2);
    const [median, slow] = [minute.median_ms ?? 0, minute.slow_ms ?? 0];
    const title = `${clock(minute.at_s)}: median ${Math.round(median)} ms, slowest ${Math.round(slow)} ms, ${count(minute.turns, "turn")}`;
    const mark = draw("g", { class: "mark" }, chart.svg);
    draw("title", {}, mark).textContent = title;
    draw("line", { x1: x, x2: x, y1: chart.y(median), y2: chart.y(slow), class: "reach" }, mark);
    draw("circle", { cx: x, cy: chart.y(median), r: 2.5 }, mark);
  }
  const rows = told.map((minute) => [clock(minute.at_s), `${Math.round(minute.median_ms ?? 0)} ms`, `${Math.round(minute.slow_ms ?? 0)} ms`, String(minute.turns)]);
  finish(figure, chart, `${summary} Dots are medians, lines reach to the slowest twentieth.`, ["Time", "Median", "Slowest", "Turns"], rows);
}

/** Draws how many errors each minute had; the table says of which kinds. */
export function drawErrors(figure: HTMLElement, recent: Recent): void {
  const told = recent.minutes.filter((minute) => total(minute) > 0);
  if (told.length === 0) return nothing(figure, "Nothing went wrong in the last three hours.");
  const most = Math.max(...told.map(total));
  const summary = `${count(sum(told, total), "error")}: ${kinds(told)}.`;
  const chart = frame(figure, recent, most, summary, (value) => (Number.isInteger(value) ? String(value) : ""));
  const width = Math.max(2, chart.x(MINUTE_S) - chart.x(0) - 1);
  for (const minute of told) {
    const y = chart.y(total(minute));
    const bar = draw("rect", { class: "wrong", x: chart.x(minute.at_s), y, width, height: chart.y(0) - y }, chart.svg);
    draw("title", {}, bar).textContent = `${clock(minute.at_s)}: ${kinds([minute])}`;
  }
  const rows = told.map((minute) => [clock(minute.at_s), String(total(minute)), kinds([minute])]);
  finish(figure, chart, summary, ["Time", "Errors", "Kinds"], rows);
}

/** An empty chart with its axes, as wide as the figure. */
function frame(figure: HTMLElement, recent: Recent, most: number, label: string, tick: (value: number) => string): Frame {
  const width = Math.max(260, figure.clientWidth);
  const top = roundUp(most);
  const begin = recent.now_s - recent.span_s;
  const x = (atS: number) => MARGIN.left + ((atS - begin) / recent.span_s) * (width - MARGIN.left - MARGIN.right);
  const y = (value: number) => HEIGHT - MARGIN.bottom - (value / top) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ role: "img", "aria-label": label, width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}` })) {
    svg.setAttribute(name, String(value));
  }
  for (const value of [0, top / 2, top]) {
    draw("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(value), y2: y(value) }, svg);
    draw("text", { class: "tick", x: MARGIN.left - 6, y: y(value) + 4, "text-anchor": "end" }, svg).textContent = tick(value);
  }
  for (let hours = recent.span_s / HOUR_S; hours >= 0; hours--) {
    const at = recent.now_s - hours * HOUR_S;
    const anchor = hours === 0 ? "end" : x(at) < MARGIN.left + 20 ? "start" : "middle";
    draw("text", { class: "tick", x: x(at), y: HEIGHT - 6, "text-anchor": anchor }, svg).textContent = clock(at);
  }
  return { width, height: HEIGHT, x, y, top, svg };
}

function finish(figure: HTMLElement, chart: Frame, caption: string, heads: string[], rows: string[][]): void {
  const [drawn, told, details] = figure.children;
  if (!details) {
    const folded = make("details", "", make("summary", "", "As a table"), table(heads, rows));
    return figure.replaceChildren(chart.svg, make("figcaption", "hint", caption), folded);
  }
  drawn?.replaceWith(chart.svg); // who reads the table stays where they are in it
  if (told) told.textContent = caption;
  details.lastElementChild?.replaceWith(table(heads, rows));
}

function table(heads: string[], rows: string[][]): HTMLElement {
  const head = make("tr", "", ...heads.map((text) => make("th", "", text)));
  const lines = rows.reverse().map((row) => make("tr", "", ...row.map((text) => make("td", "", text))));
  return make("table", "", make("thead", "", head), make("tbody", "", ...lines));
}

function nothing(figure: HTMLElement, text: string): void {
  figure.replaceChildren(make("figcaption", "empty", text));
}

function draw(tag: string, attributes: Record<string, string | number>, parent: Element): Element {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  parent.append(element);
  return element;
}

/** The next of 1, 1.5, 2, 3, 5, 10, 15 … that is not below `value`. */
export function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return [1, 1.5, 2, 3, 5, 10].map((step) => step * power).find((step) => step >= value) ?? 10 * power;
}

function total(minute: Minute): number {
  return Object.values(minute.errors).reduce((all, each) => all + each, 0);
}

function sum(minutes: Minute[], of: (minute: Minute) => number): number {
  return minutes.reduce((all, minute) => all + of(minute), 0);
}

/** "2 engine busy, 1 internal". */
export function kinds(minutes: Minute[]): string {
  const counts = new Map<string, number>();
  for (const { errors } of minutes) {
    for (const [kind, number] of Object.entries(errors)) counts.set(kind, (counts.get(kind) ?? 0) + number);
  }
  const ordered = [...counts].sort(([, a], [, b]) => b - a);
  return ordered.map(([kind, number]) => `${number} ${plain(kind)}`).join(", ");
}
