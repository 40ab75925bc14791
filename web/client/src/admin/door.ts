/** The owner's routes of the door, opened with a key where one is wanted. */

const STORED = "landline.owner-key";
const TIMEOUT_MS = 15_000;

/** Asks the owner for a key, saying what was wrong with the last one. */
export type AskForKey = (trouble: string) => Promise<string>;

/** The door said no, or nothing. The message is for people. */
export class Refusal extends Error {
  override readonly name = "Refusal";

  constructor(
    readonly status: number,
    message: string,
    readonly retryAfterS = 0,
  ) {
    super(message);
  }
}

export class Door {
  private asking: Promise<void> | null = null;
  private key = stored((storage) => storage.getItem(STORED)) ?? null;

  constructor(private readonly askForKey: AskForKey) {}

  get hasKey(): boolean {
    return this.key !== null;
  }

  forgetKey(): void {
    this.key = null;
    stored((storage) => storage.removeItem(STORED));
  }

  /** Throws `Refusal`. */
  async get<T>(path: string): Promise<T> {
    return readJson<T>(await this.send("GET", path));
  }

  /** Throws `Refusal`. A missing or wrong key is asked for, and the request sent again. */
  async send(method: string, path: string, body?: BodyInit, type?: string, timeoutMs = TIMEOUT_MS): Promise<Response> {
    for (;;) {
      const key = this.key;
      const response = await reach(method, path, key, body, type, timeoutMs);
      if (response.ok) return response;
      const told = await refusal(response);
      if (response.status !== 401 && response.status !== 403) throw told;
      if (key === this.key) await this.newKey(key === null ? "" : told.message);
    }
  }

  /** Requests that are refused together ask together. */
  private newKey(trouble: string): Promise<void> {
    this.asking ??= this.askForKey(trouble)
      .then((key) => {
        this.key = key;
        stored((storage) => storage.setItem(STORED, key));
      })
      .finally(() => {
        this.asking = null;
      });
    return this.asking;
  }
}

async function reach(
  method: string,
  path: string,
  key: string | null,
  body: BodyInit | undefined,
  type: string | undefined,
  timeoutMs: number,
): Promise<Response> {
  const headers = new Headers();
  if (key) headers.set("Authorization", `Bearer ${key}`);
  if (type) headers.set("Content-Type", type);
  try {
    return await fetch(`/admin/api/${path}`, { method, headers, body, signal: AbortSignal.timeout(timeoutMs) });
  } catch {
    throw new Refusal(0, "The door isn't answering. Is Landline running?");
  }
}

async function refusal(response: Response): Promise<Refusal> {
  const body = (await response.json().catch(() => null)) as { error?: { message?: string } } | null;
  const waitS = Number(response.headers.get("Retry-After")) || 0;
  return new Refusal(response.status, body?.error?.message ?? `The door answered ${response.status}.`, waitS);
}

/** The body of an answer, which may break off or be somebody else's. Throws `Refusal`. */
export async function readJson<T>(response: Response): Promise<T> {
  try {
    return (await response.json()) as T;
  } catch {
    throw new Refusal(0, "The door's answer broke off, or is not Landline's.");
  }
}

/** Uses what lasts as long as the tab; where the browser keeps nothing, even naming it throws. */
function stored<T>(use: (storage: Storage) => T): T | undefined {
  try {
    return use(sessionStorage);
  } catch {
    return undefined;
  }
}
