/** Asks for the owner's key; there is no way around it but closing the page. */

import { part } from "../page";

export function askForKey(trouble: string): Promise<string> {
  const dialog = part<HTMLDialogElement>("key-dialog");
  const input = part<HTMLInputElement>("key");
  part("key-trouble").textContent = trouble;
  input.value = "";
  if (!dialog.open) dialog.showModal();
  input.focus();
  return new Promise((resolve) => {
    const form = dialog.querySelector("form") as HTMLFormElement;
    dialog.onclose = () => dialog.showModal(); // Esc twice closes it, whatever is said to that
    form.onsubmit = (event) => {
      event.preventDefault();
      const key = input.value.trim();
      if (!key) return;
      input.value = "";
      dialog.onclose = null;
      dialog.close();
      resolve(key);
    };
  });
}
