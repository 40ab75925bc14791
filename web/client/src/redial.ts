/** When to try again, and what to say meanwhile. Pure. */

import type { RefusalCode } from "./session";

export interface Attempt {
  code: RefusalCode;
  retryAfterS: number | null;
  /** Tries that failed before this one. */
  failures: number;
  /** Whether a running call, or a place in line, would be lost, rather than a first call not begun. */
  lost: boolean;
}

const BUSY_WAIT_S = 5;
const FIRST_WAITS_S = [1, 2];
const LOST_WAITS_S = [1, 2, 3, 5];
const LOST_TRIES = 40;

/** Seconds to wait before the next try; null when trying by itself makes no sense. */
export function waitBeforeRedial({ code, retryAfterS, failures, lost }: Attempt): number | null {
  if (code === "lines_busy" || code === "too_many_requests") return retryAfterS ?? BUSY_WAIT_S;
  if (code === "refused" || failures >= LOST_TRIES) return null;
  if (!lost) return FIRST_WAITS_S[failures] ?? null;
  return LOST_WAITS_S[Math.min(failures, LOST_WAITS_S.length - 1)] ?? null;
}

const EXPLANATIONS: Record<RefusalCode, string> = {
  lines_busy: "All lines are busy.",
  too_many_requests: "Too many calls from here in a short time.",
  livekit_away: "The call server isn’t answering. It may still be starting.",
  unreachable: "This page can’t reach its server. Is Landline still running?",
  refused: "The call was refused: its pass is invalid or has expired.",
};

export function explainRefusal(code: RefusalCode, lost: boolean): string {
  if (lost && code !== "refused") return `The connection was lost. ${EXPLANATIONS[code]}`;
  return EXPLANATIONS[code];
}
