/** Asking the door for a call. */

export interface Session {
  url: string;
  room: string;
  token: string;
  models: string;
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

/** A new call's room and pass. Throws `Refusal`; when `hungUp` fires, the fetch's own AbortError. */
export async function requestSession(documents: boolean, hungUp: AbortSignal): Promise<Session> {
  const response = await post({ documents }, hungUp);
  const body = (await response.json().catch(() => null)) as (Session & { error?: RefusalBody }) | null;
  if (!response.ok || !body?.token) throw refusal(response, body?.error);
  return body;
}

interface RefusalBody {
  code: string;
  message: string;
}

async function post(body: object, hungUp: AbortSignal): Promise<Response> {
  try {
    return await fetch("/api/session", {
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
