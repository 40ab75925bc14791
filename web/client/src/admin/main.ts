/** Puts the owner's page together: three views by the address's hash, each kept fresh while it is seen. */

import { part } from "../page";
import { Conversations } from "./conversations";
import { Documents } from "./documents";
import { Door, Refusal } from "./door";
import { askForKey } from "./key-dialog";
import { Now } from "./now";

const NEWS_EVERY_MS = 2000;
const VIEWS = ["now", "conversations", "documents"] as const;
type View = (typeof VIEWS)[number];

const door = new Door(askForKey);
const views = {
  now: new Now(door),
  conversations: new Conversations(door, attempt),
  documents: new Documents(door, attempt),
};

/** Does something at the door; what is refused is said on the page, and taken back once the door answers again. */
async function attempt(work: () => Promise<void>): Promise<void> {
  const trouble = part("trouble");
  try {
    await work();
    trouble.hidden = true;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (trouble.hidden || trouble.textContent !== error.message) trouble.textContent = error.message;
    trouble.hidden = false;
  }
  part("lock").hidden = !door.hasKey;
}

function current(): View {
  const wanted = location.hash.slice(1);
  return VIEWS.find((view) => view === wanted) ?? "now";
}

function show(): void {
  const view = current();
  for (const each of VIEWS) part(each).hidden = each !== view;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === `#${view}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  void attempt(() => views[view].refresh());
}

async function follow(): Promise<void> {
  if (current() === "now" && !document.hidden) await attempt(() => views.now.refresh());
}

/** News go on after an error that nobody foresaw. */
function followLater(): void {
  setTimeout(() => void follow().finally(followLater), NEWS_EVERY_MS);
}

window.addEventListener("hashchange", () => {
  show();
  part(`${current()}-title`).focus();
});
part("lock").addEventListener("click", () => {
  door.forgetKey();
  location.reload();
});
show();
followLater();
