/** A button that copies the text of an element. */

import { setText } from "./dom.ts";

export function copyFrom(button: HTMLButtonElement, source: HTMLElement): void {
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.textContent ?? "");
      setText(button, "Copied");
    } catch {
      // Browsers allow the clipboard only to pages served over HTTPS.
      getSelection()?.selectAllChildren(source);
      setText(button, "Selected: press Ctrl+C");
    }
  });
}
