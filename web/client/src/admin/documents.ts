/** The documents that answers rest on: add some, remove one, and try what a question finds. */

import { announce, make, part } from "../page";
import { type Door, readJson, Refusal } from "./door";
import { count, moment, plain } from "./words";

interface Listed {
  id: string;
  title: string;
  source: string;
  ingested_at: string;
  is_uploaded: boolean;
}

interface Upload {
  number: number;
  name: string;
  state: "waiting" | "reading" | "done" | "failed";
  result: { outcome?: string; reason?: string; chunks?: number };
}

/** A file and what is said of it. */
interface Row {
  name: string;
  text: string;
  state: string;
}

interface Library {
  documents: Listed[];
  uploads: Upload[];
  suffixes: string[];
  max_bytes: number;
}

interface Passage {
  title: string;
  source: string;
  position: number;
  page?: number;
  text: string;
  score: number;
}

const LOOK_AGAIN_MS = 1000;
/** The door gives a body as long as a line of this speed needs, and half a minute. */
const SLOWEST_LINE_BYTES_PER_MS = 64;
const UPLOAD_MARGIN_MS = 60_000;
const TOO_MANY = 429;
const WAIT_FOR_ROOM_S = 5;
const REMOVE_TIMEOUT_MS = 60_000;

export class Documents {
  private maxBytes = Infinity;
  private uploads: Upload[] = [];
  /** Uploads that were sent from here or seen while they ran: what comes of them is news. */
  private readonly running = new Set<number>();
  /** What is said of files on their way, and of those that the door refused, by name. */
  private readonly sending = new Map<string, Row>();
  private shown = "";
  private looking: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly door: Door,
    private readonly attempt: (work: () => Promise<void>) => Promise<void>,
  ) {
    const files = part<HTMLInputElement>("files");
    files.addEventListener("change", () => void attempt(() => this.sendAll(files)));
    part("upload").addEventListener("submit", (event) => event.preventDefault());
    part("search").addEventListener("submit", (event) => {
      event.preventDefault();
      void attempt(() => this.search());
    });
  }

  async refresh(): Promise<void> {
    clearTimeout(this.looking);
    try {
      this.show(await this.door.get<Library>("documents"));
    } finally {
      if (this.uploads.some(isRunning)) this.lookAgain();
    }
  }

  private lookAgain(): void {
    clearTimeout(this.looking);
    this.looking = setTimeout(() => void this.attempt(() => this.refresh()), LOOK_AGAIN_MS);
  }

  private show(library: Library): void {
    this.maxBytes = library.max_bytes;
    this.uploads = library.uploads;
    part<HTMLInputElement>("files").accept = library.suffixes.join(",");
    part("kinds").textContent = `${library.suffixes.join(", ")}; up to ${Math.round(library.max_bytes / 1e6)} MB each.`;
    this.showUploads();
    this.announceOutcomes();
    const shown = JSON.stringify(library.documents);
    if (shown === this.shown) return; // who is in the list stays there
    this.shown = shown;
    suggest("titles", library.documents.map((listed) => listed.title));
    suggest("sources", library.documents.map((listed) => listed.source));
    showDocuments(library.documents, (document) => void this.attempt(() => this.remove(document)));
  }

  private async sendAll(input: HTMLInputElement): Promise<void> {
    const files = [...(input.files ?? [])];
    input.value = "";
    for (const file of files) this.say(file, "Waits to be sent", "waiting");
    for (const file of files) await this.sendOne(file);
    await this.refresh();
  }

  private async sendOne(file: File): Promise<void> {
    try {
      if (file.size > this.maxBytes) throw new Refusal(413, `This file is larger than ${Math.round(this.maxBytes / 1e6)} MB.`);
      await this.sendWhenThereIsRoom(file);
      this.sending.delete(file.name);
      this.lookAgain();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.say(file, error.message, "failed");
      announce(`${file.name}: ${error.message}`);
    }
  }

  /** The door takes some files at a time; the others wait for their turn here. */
  private async sendWhenThereIsRoom(file: File): Promise<void> {
    const timeoutMs = UPLOAD_MARGIN_MS + file.size / SLOWEST_LINE_BYTES_PER_MS;
    for (;;) {
      this.say(file, "Being sent …", "waiting");
      try {
        const path = `documents/${encodeURIComponent(file.name)}`;
        const taken = await this.door.send("PUT", path, file, "application/octet-stream", timeoutMs);
        this.running.add((await readJson<{ number: number }>(taken)).number);
        return;
      } catch (error) {
        if (!(error instanceof Refusal && error.status === TOO_MANY)) throw error;
        this.say(file, "Waits to be sent", "waiting");
        const waitS = error.retryAfterS || WAIT_FOR_ROOM_S;
        await new Promise((resolve) => setTimeout(resolve, 1000 * waitS));
      }
    }
  }

  private say(file: File, text: string, state: string): void {
    this.sending.set(file.name, { name: file.name, text, state });
    this.showUploads();
  }

  private showUploads(): void {
    const received = this.uploads.map((upload) => ({ ...upload, text: outcome(upload) }));
    part("uploads").replaceChildren(...[...this.sending.values(), ...received].map(row));
  }

  private announceOutcomes(): void {
    const [now, over] = [this.uploads.filter(isRunning), this.uploads.filter((upload) => !isRunning(upload))];
    const news = over.filter((upload) => this.running.delete(upload.number));
    for (const upload of now) this.running.add(upload.number);
    if (news.length > 0) announce(news.map((upload) => `${upload.name}: ${outcome(upload)}`).join(". "));
  }

  private async remove(listed: Listed): Promise<void> {
    if (!(await confirmed(listed))) return;
    await this.door.send("DELETE", `documents/${encodeURIComponent(listed.id)}`, undefined, undefined, REMOVE_TIMEOUT_MS);
    announce(`${listed.title} is removed.`);
    await this.refresh();
    part("documents-title").focus();
  }

  private async search(): Promise<void> {
    const [query, title, source] = ["query", "only-title", "only-source"].map((id) => part<HTMLInputElement>(id).value.trim());
    if (!query) return;
    const response = await this.door.send("POST", "search", JSON.stringify({ query, title, source }), "application/json");
    const found = await readJson<{ passages: Passage[]; took_ms: number }>(response);
    const number = found.passages.length;
    part("search-outcome").textContent = number ? `${count(number, "passage")} in ${found.took_ms} ms.` : "Nothing fits this question.";
    part("passages").replaceChildren(...found.passages.map(passageItem));
  }
}

function isRunning(upload: Upload): boolean {
  return upload.state === "waiting" || upload.state === "reading";
}

export function outcome({ state, result }: Upload): string {
  if (state === "waiting") return "Waits to be read";
  if (state === "reading") return "Being read …";
  const what = plain(result.outcome ?? state);
  const parts = [what.charAt(0).toUpperCase() + what.slice(1), result.chunks ? count(result.chunks, "part") : "", result.reason ?? ""];
  return parts.filter(Boolean).join(" · ");
}

function row({ name, text, state }: Row): HTMLElement {
  const status = make("span", "state", text);
  status.dataset.state = state;
  return make("li", "", make("strong", "", name), status);
}

/** What a field offers while it is being filled in. */
function suggest(list: string, values: string[]): void {
  const options = [...new Set(values)].map((value) => {
    const option = make("option", "");
    option.setAttribute("value", value);
    return option;
  });
  part(list).replaceChildren(...options);
}

function showDocuments(documents: Listed[], remove: (document: Listed) => void): void {
  part("no-documents").hidden = documents.length > 0;
  const focused = document.activeElement?.id ?? "";
  part("library").replaceChildren(
    ...documents.map((listed) => {
      const button = make("button", "small quiet", "Remove");
      button.id = `remove ${listed.id}`;
      button.setAttribute("type", "button");
      button.setAttribute("aria-label", `Remove ${listed.title}`);
      button.addEventListener("click", () => remove(listed));
      const place = [listed.source, moment(listed.ingested_at)].filter(Boolean).join(" · ");
      return make("li", "", make("strong", "", listed.title), make("span", "hint", place), button);
    }),
  );
  if (focused) document.getElementById(focused)?.focus();
}

/** Asks before a document goes; what is not an upload comes back with the next ingest of its folder. */
function confirmed(listed: Listed): Promise<boolean> {
  const dialog = part<HTMLDialogElement>("remove-dialog");
  const after = listed.is_uploaded
    ? "The uploaded file is deleted too."
    : "Its file stays where it is; the next ingest of its folder puts it in again.";
  part("remove-what").textContent = `${listed.title} (${listed.source}). ${after}`;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue === "remove");
  });
}

function passageItem(passage: Passage): HTMLElement {
  const place = [passage.source, passage.page ? `page ${passage.page}` : `part ${passage.position + 1}`, `match ${passage.score.toFixed(2)}`];
  return make("li", "card", make("strong", "", passage.title), make("span", "where hint", place.join(" · ")), make("blockquote", "", passage.text));
}
