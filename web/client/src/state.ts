/** The state of a call as one value, and what each event makes of it. Pure. */

export type Phase = "idle" | "dialing" | "waiting" | "ringing" | "live" | "reconnecting" | "ended";
export type AgentState = "listening" | "thinking" | "speaking";
export type MicState = "off" | "asking" | "open" | "muted" | "refused";

export interface CallState {
  phase: Phase;
  agent: AgentState;
  mic: MicState;
  /** Where in line the caller waits, from 1; 0 for not at all. */
  place: number;
  /** The browser holds the sound back until it is clicked. */
  soundBlocked: boolean;
  /** "starter", "standard", or "" while unknown. */
  models: string;
  /** "quote", "free", or "" while unknown. */
  mode: string;
}

export type CallEvent =
  | { type: "dialed" }
  | { type: "queued"; place: number }
  | { type: "connected"; models: string }
  | { type: "agent"; present: boolean; state: string; models: string; mode: string }
  | { type: "reconnecting" }
  | { type: "lost" }
  | { type: "ended" }
  | { type: "mic"; mic: MicState }
  | { type: "sound"; blocked: boolean };

export const START: CallState = {
  phase: "idle",
  agent: "listening",
  mic: "off",
  place: 0,
  soundBlocked: false,
  models: "",
  mode: "",
};

export function next(state: CallState, event: CallEvent): CallState {
  const after = nextPhase(state, event);
  return after.phase === "waiting" ? after : { ...after, place: 0 };
}

function nextPhase(state: CallState, event: CallEvent): CallState {
  switch (event.type) {
    case "dialed":
      return { ...state, phase: "dialing", agent: "listening" };
    case "queued":
      return isActive(state) ? { ...state, phase: "waiting", place: event.place } : state;
    case "connected":
      return { ...state, phase: "ringing", models: event.models || state.models };
    case "agent":
      return nextWithAgent(state, event);
    case "reconnecting":
      return inCall(state) ? { ...state, phase: "reconnecting", agent: "listening" } : state;
    case "lost":
      return { ...state, phase: "dialing", agent: "listening", soundBlocked: false };
    case "ended":
      return { ...state, phase: "ended", agent: "listening", mic: "off", soundBlocked: false };
    case "mic":
      return { ...state, mic: event.mic };
    case "sound":
      return { ...state, soundBlocked: event.blocked };
  }
}

function nextWithAgent(state: CallState, event: Extract<CallEvent, { type: "agent" }>): CallState {
  if (!inCall(state)) return state;
  if (!event.present || !isReady(event.state)) return { ...state, phase: "ringing", agent: "listening" };
  const [models, mode] = [event.models || state.models, event.mode || state.mode];
  return { ...state, phase: "live", agent: event.state, models, mode };
}

/** An agent that is there but still starting ("initializing") can't hear yet. */
function isReady(state: string): state is AgentState {
  return state === "listening" || state === "thinking" || state === "speaking";
}

export function inCall(state: CallState): boolean {
  return state.phase === "ringing" || state.phase === "live" || state.phase === "reconnecting";
}

/** Whether there is something to hang up. */
export function isActive(state: CallState): boolean {
  return inCall(state) || state.phase === "dialing" || state.phase === "waiting";
}

const AGENT_LABELS: Record<AgentState, string> = {
  listening: "Listening",
  thinking: "Thinking",
  speaking: "Speaking",
};

const PHASE_LABELS: Record<Exclude<Phase, "live">, string> = {
  idle: "Ready",
  waiting: "Busy",
  dialing: "Connecting",
  ringing: "Waiting for the agent",
  reconnecting: "Reconnecting",
  ended: "Call ended",
};

/** The far end of the line in a word or two. */
export function describeAgent(state: CallState): string {
  return state.phase === "live" ? AGENT_LABELS[state.agent] : PHASE_LABELS[state.phase];
}

/** What a caller who waits for a line is told; "" for everybody else. */
export function describePlace({ phase, place }: CallState): string {
  if (phase !== "waiting") return "";
  return place === 1 ? "All lines are busy. You are next." : `All lines are busy. You are number ${place} in line.`;
}

const MIC_LABELS: Record<MicState, string> = {
  off: "Microphone off",
  asking: "Asking for the microphone",
  open: "Microphone on",
  muted: "Muted",
  refused: "No microphone",
};

/** The near end of the line in a word or two. */
export function describeMic(state: CallState): string {
  return isActive(state) ? MIC_LABELS[state.mic] : "You";
}
