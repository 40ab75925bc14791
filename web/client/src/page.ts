/** The page's parts by name. */

export function part<T extends Element = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element as unknown as T;
}

/** A new element with a class and, if given, text and children. */
export function make(tag: keyof HTMLElementTagNameMap, className = "", ...content: (string | Node)[]): HTMLElement {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...content);
  return element;
}

let announcements = 0;

/** Say something to a screen reader, politely. */
export function announce(text: string): void {
  const repeat = announcements++ % 2 ? "\u00a0" : ""; // The same words twice must still be a change.
  part("announcer").textContent = text + repeat;
}
