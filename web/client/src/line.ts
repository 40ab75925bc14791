/**
 * The line between caller and agent, drawn: the caller's voice travels from its left end, the agent's from its right.
 * It shows the level of both voices and whether the line is up, thinking, or broken.
 */

import { type CallState, isActive } from "./state";

interface Colors {
  rest: string;
  caller: string;
  agent: string;
}

const END_RADIUS_PX = 4;
const STILL_INTERVAL_MS = 120;
const RISE = 0.5;
const FALL = 0.12;

export class Line {
  private readonly still = matchMedia("(prefers-reduced-motion: reduce)");
  private state: CallState | null = null;
  private caller = 0;
  private agent = 0;
  private drawnAt = 0;

  /** `levels` gives the loudness of caller and agent, 0 to 1. */
  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly levels: () => [number, number],
  ) {
    const draw = (nowMs: number) => {
      this.draw(nowMs);
      requestAnimationFrame(draw);
    };
    requestAnimationFrame(draw);
  }

  show(state: CallState): void {
    this.state = state;
    this.drawnAt = 0;
  }

  private draw(nowMs: number): void {
    const { state } = this;
    if (!state || nowMs - this.drawnAt < this.intervalMs(state)) return;
    this.drawnAt = nowMs;
    this.followLevels(isActive(state));
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const pen = this.prepare(width, height);
    if (!pen || width === 0) return;
    const colors = readColors(this.canvas);
    pen.translate(0, height / 2);
    pen.strokeStyle = this.gradient(pen, width, colors);
    this.drawWire(pen, width, 0.42 * height, nowMs / 1000, state);
    drawEnd(pen, END_RADIUS_PX + 1, colors.caller, state.mic === "open");
    drawEnd(pen, width - END_RADIUS_PX - 1, colors.agent, state.phase === "live");
  }

  /** Nothing moves outside a call, and little where motion isn't wanted. */
  private intervalMs(state: CallState): number {
    if (!isActive(state)) return 500;
    return this.still.matches ? STILL_INTERVAL_MS : 0;
  }

  private followLevels(active: boolean): void {
    const [caller, agent] = this.levels();
    if (!active) this.caller = this.agent = 0;
    this.caller += (caller - this.caller) * (caller > this.caller ? RISE : FALL);
    this.agent += (agent - this.agent) * (agent > this.agent ? RISE : FALL);
  }

  private prepare(width: number, height: number): CanvasRenderingContext2D | null {
    const ratio = devicePixelRatio || 1;
    const size = { width: Math.round(width * ratio), height: Math.round(height * ratio) };
    if (this.canvas.width !== size.width || this.canvas.height !== size.height) Object.assign(this.canvas, size);
    const pen = this.canvas.getContext("2d");
    pen?.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen?.clearRect(0, 0, width, height);
    return pen;
  }

  private drawWire(pen: CanvasRenderingContext2D, width: number, swing: number, t: number, state: CallState): void {
    pen.lineWidth = 2;
    pen.lineJoin = "round";
    pen.setLineDash(state.phase === "reconnecting" || state.phase === "ended" ? [2, 7] : []);
    pen.beginPath();
    for (let x = 2 * END_RADIUS_PX + 2; x <= width - 2 * END_RADIUS_PX - 2; x += 2) {
      pen.lineTo(x, this.displacement(x / width, t, state) * swing);
    }
    pen.stroke();
    pen.setLineDash([]);
  }

  private gradient(pen: CanvasRenderingContext2D, width: number, colors: Colors): CanvasGradient {
    const gradient = pen.createLinearGradient(0, 0, width, 0);
    const [caller, agent] = [0.04 + 0.46 * this.caller, 0.04 + 0.46 * this.agent];
    gradient.addColorStop(0, colors.caller);
    gradient.addColorStop(caller, colors.rest);
    gradient.addColorStop(1 - agent, colors.rest);
    gradient.addColorStop(1, colors.agent);
    return gradient;
  }

  /** How far the wire is from rest at place `x` (0 caller, 1 agent), -1 to 1. */
  private displacement(x: number, t: number, state: CallState): number {
    if (this.still.matches) return 0;
    const caller = this.caller * Math.exp(-4 * x) * Math.sin(46 * x - 14 * t);
    const agent = this.agent * Math.exp(-4 * (1 - x)) * Math.sin(46 * (1 - x) - 14 * t);
    return edge(x) * (caller + agent + pulse(x, t, state));
  }
}

/** A single bump that runs to the agent while it is being called and comes back while it thinks. */
function pulse(x: number, t: number, state: CallState): number {
  const calling = state.phase === "dialing" || state.phase === "ringing";
  const thinking = state.phase === "live" && state.agent === "thinking";
  if (!calling && !thinking) return 0;
  const place = calling ? (0.7 * t) % 1.2 - 0.1 : 0.85 + 0.1 * Math.sin(3 * t);
  return -0.5 * Math.exp(-(((x - place) / 0.025) ** 2));
}

/** The wire is fastened at its ends. */
function edge(x: number): number {
  return Math.min(1, 14 * x, 14 * (1 - x));
}

function drawEnd(pen: CanvasRenderingContext2D, x: number, color: string, filled: boolean): void {
  pen.beginPath();
  pen.arc(x, 0, END_RADIUS_PX, 0, 2 * Math.PI);
  pen.fillStyle = pen.strokeStyle = color;
  pen.lineWidth = 1.5;
  if (filled) pen.fill();
  pen.stroke();
}

function readColors(canvas: HTMLElement): Colors {
  const style = getComputedStyle(canvas);
  const color = (name: string) => style.getPropertyValue(name).trim();
  return { rest: color("--wire"), caller: color("--caller"), agent: color("--agent") };
}
