/** The documents that answers rest on: add some, remove one, and try what a question finds. */

import { announce, make, part } from "../page";
import { type Door, Refusal } from "./door";
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
const UPLOAD_TIMEOUT_MS = 300_000;
const REMOVE_TIMEOUT_MS = 60_000;

export class Documents {
  private maxBytes = Infinity;
  private told = new Set<number>();
  /** Files on their way and those that the door refused, by name. */
  private readonly sending = new Map<string, string>();

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
    const library = await this.door.get<Library>("documents");
    this.maxBytes = library.max_bytes;
    part<HTMLInputElement>("files").accept = library.suffixes.join(",");
    part("kinds").textContent = `${library.suffixes.join(", ")}; up to ${Math.round(library.max_bytes / 1e6)} MB each.`;
    this.showUploads(library.uploads);
    suggest("titles", library.documents.map((listed) => listed.title));
    suggest("sources", library.documents.map((listed) => listed.source));
    showDocuments(library.documents, (document) => void this.attempt(() => this.remove(document)));
    if (library.uploads.some(isRunning)) setTimeout(() => void this.attempt(() => this.refresh()), LOOK_AGAIN_MS);
  }

  private async sendAll(input: HTMLInputElement): Promise<void> {
    const files = [...(input.files ?? [])];
    input.value = "";
    for (const file of files) this.sending.set(file.name, "Sending");
    for (const file of files) await this.sendOne(file);
    await this.refresh();
  }

  private async sendOne(file: File): Promise<void> {
    try {
      if (file.size > this.maxBytes) throw new Refusal(413, `This file is larger than ${Math.round(this.maxBytes / 1e6)} MB.`);
      await this.door.send("PUT", `documents/${encodeURIComponent(file.name)}`, file, "application/octet-stream", UPLOAD_TIMEOUT_MS);
      this.sending.delete(file.name);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.sending.set(file.name, error.message);
      announce(`${file.name}: ${error.message}`);
    }
  }

  private showUploads(uploads: Upload[]): void {
    const refused = [...this.sending].map(([name, text]) => row(name, text, "failed"));
    part("uploads").replaceChildren(...refused, ...uploads.map((upload) => row(upload.name, outcome(upload), upload.state)));
    for (const upload of uploads) {
      if (isRunning(upload) || this.told.has(upload.number)) continue;
      this.told.add(upload.number);
      announce(`${upload.name}: ${outcome(upload)}`);
    }
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
    const found = (await response.json()) as { passages: Passage[]; took_ms: number };
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

function row(name: string, text: string, state: string): HTMLElement {
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
  part("library").replaceChildren(
    ...documents.map((listed) => {
      const button = make("button", "small quiet", "Remove");
      button.setAttribute("type", "button");
      button.setAttribute("aria-label", `Remove ${listed.title}`);
      button.addEventListener("click", () => remove(listed));
      const place = [listed.source, moment(listed.ingested_at)].filter(Boolean).join(" · ");
      return make("li", "", make("strong", "", listed.title), make("span", "hint", place), button);
    }),
  );
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
