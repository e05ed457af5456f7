/** Links to dialogs open them on this page, above the dialogs that are open already. */

import type { Address } from "./address.ts";
import { parseDialog } from "./dialog.ts";

/** Call once. A link that is to be opened elsewhere, or has a dialog of another page, is left to the browser. */
export function followDialogLinks(address: Address): void {
  document.addEventListener("click", (event) => {
    const { target, button, ctrlKey, metaKey, shiftKey, altKey } = event;
    const link = target instanceof Element ? target.closest("a") : undefined;
    if (!link || button !== 0 || ctrlKey || metaKey || shiftKey || altKey) {
      return;
    }
    const dialog =
      link.origin === location.origin
        ? parseDialog({ path: link.pathname, hash: link.hash }, new URLSearchParams(link.search))
        : undefined;
    if (dialog) {
      event.preventDefault();
      address.open(dialog);
    }
  });
}
