/** A button that copies the text of an element. */

import { setText } from "./dom.ts";

export function copyFrom(button: HTMLButtonElement, source: HTMLElement): void {
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.textContent ?? "");
      setText(button, "Copied");
    } catch {
      // Browsers keep the clipboard from pages that did not come over HTTPS.
      getSelection()?.selectAllChildren(source);
      setText(button, "Selected: press Ctrl+C");
    }
  });
}
