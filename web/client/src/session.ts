/** Asking the door for a call. */

export interface Session {
  url: string;
  room: string;
  token: string;
  models: string;
  /** What a later call goes on with; null where conversations are not kept. */
  conversation: string | null;
}

/** A place among the callers who wait for a line; `ticket` is what the door knows it by. */
export interface InLine {
  ticket: string;
  place: number;
}

export type RefusalCode = "lines_busy" | "livekit_away" | "too_many_requests" | "unreachable" | "refused";

/** The door said no, or nothing. */
export class Refusal extends Error {
  override readonly name = "Refusal";

  constructor(
    readonly code: RefusalCode,
    message: string,
    readonly retryAfterS: number | null = null,
  ) {
    super(message);
  }
}

const TIMEOUT_MS = 8000;
const KNOWN: readonly string[] = ["lines_busy", "livekit_away", "too_many_requests"];

/**
 * A new call's room and pass, or a place in line. With `conversation` the call goes on with what was said before. Whoever has a place is answered when it changes, or after some
 * seconds. Throws `Refusal`; when `hungUp` fires, the fetch's own AbortError.
 */
export async function requestSession(
  documents: boolean,
  hungUp: AbortSignal,
  waiting: InLine | null = null,
  conversation: string | null = null,
): Promise<Session | InLine> {
  const response = await post(addressOf(waiting), { documents, conversation: conversation ?? undefined, place: waiting?.place }, hungUp);
  const body = (await response.json().catch(() => null)) as Answer | null;
  if (response.status === 202 && body?.ticket) return { ticket: body.ticket, place: body.place };
  if (!response.ok || !body?.token) throw refusal(response, body?.error);
  return body;
}

/** Give a place in line up; the page may be closing. */
export function leaveLine(waiting: InLine): void {
  fetch(addressOf(waiting), { method: "DELETE", keepalive: true }).catch(() => {});
}

export function isInLine(answer: Session | InLine): answer is InLine {
  return "ticket" in answer;
}

interface RefusalBody {
  code: string;
  message: string;
}

type Answer = Session & InLine & { error?: RefusalBody };

function addressOf(waiting: InLine | null): string {
  return waiting ? `/api/session/${encodeURIComponent(waiting.ticket)}` : "/api/session";
}

async function post(address: string, body: object, hungUp: AbortSignal): Promise<Response> {
  try {
    return await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.any([hungUp, AbortSignal.timeout(TIMEOUT_MS)]),
    });
  } catch (error) {
    hungUp.throwIfAborted();
    throw new Refusal("unreachable", String(error));
  }
}

function refusal(response: Response, error: RefusalBody | undefined): Refusal {
  const code = error && KNOWN.includes(error.code) ? (error.code as RefusalCode) : "refused";
  const seconds = Number(response.headers.get("Retry-After"));
  return new Refusal(code, error?.message ?? response.statusText, seconds > 0 ? seconds : null);
}
