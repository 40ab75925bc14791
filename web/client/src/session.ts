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
 * A new call's room and pass, or a place in line. With `conversation` the call goes on with what was said before.
 * Whoever has a place is answered when it changes, or after some seconds. Throws `Refusal`; when `hungUp` fires, its
 * reason.
 */
export async function requestSession(
  documents: boolean,
  hungUp: AbortSignal,
  waiting: InLine | null = null,
  conversation: string | null = null,
): Promise<Session | InLine> {
  const wanted = { documents, conversation: conversation ?? undefined, place: waiting?.place };
  const [response, body] = await post(addressOf(waiting), wanted, hungUp);
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

/** The answer and what of it is JSON; phones of 2023 have no `AbortSignal.any`. */
async function post(address: string, body: object, hungUp: AbortSignal): Promise<[Response, Answer | null]> {
  const limit = new AbortController();
  const stop = () => limit.abort();
  const timer = setTimeout(stop, TIMEOUT_MS);
  hungUp.addEventListener("abort", stop);
  try {
    hungUp.throwIfAborted();
    const headers = { "Content-Type": "application/json" };
    const response = await fetch(address, { method: "POST", headers, body: JSON.stringify(body), signal: limit.signal });
    return [response, readAnswer(await response.text())];
  } catch (error) {
    if (hungUp.aborted) throw hungUp.reason;
    throw new Refusal("unreachable", String(error));
  } finally {
    clearTimeout(timer);
    hungUp.removeEventListener("abort", stop);
  }
}

function readAnswer(text: string): Answer | null {
  try {
    return JSON.parse(text) as Answer;
  } catch {
    return null;
  }
}

function refusal(response: Response, error: RefusalBody | undefined): Refusal {
  const seconds = Number(response.headers.get("Retry-After"));
  return new Refusal(codeOf(response, error), error?.message ?? response.statusText, seconds > 0 ? seconds : null);
}

/** A proxy whose Landline is away for a moment, and a server in trouble, refuse nobody: they have nothing to say. */
function codeOf({ status }: Response, error: RefusalBody | undefined): RefusalCode {
  if (error && KNOWN.includes(error.code)) return error.code as RefusalCode;
  if (status === 429) return "too_many_requests";
  return status >= 500 || status === 408 ? "unreachable" : "refused";
}
