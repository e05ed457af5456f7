/** The dialog that explains meters, filters and keys, and says which version runs. */

import type { Page, Panel, View } from "../page.ts";
import { byId } from "../ui/dom.ts";
import { onKey } from "../ui/keys.ts";
import { Modal } from "../ui/modal.ts";

export class Help implements Panel {
  readonly #modal: Modal;
  readonly #version = byId("version", HTMLElement);

  constructor({ address }: Page) {
    this.#modal = new Modal(byId("help", HTMLDialogElement), () => address.closeDialog());
    const open = (): void => address.open({ kind: "help" });
    byId("help-open", HTMLButtonElement).addEventListener("click", open);
    onKey("?", open);
  }

  paint({ dialog, state }: View): void {
    this.#modal.paint(dialog?.kind === "help");
    const text = `Tradewire ${state.version}`;
    if (this.#version.textContent !== text) {
      this.#version.textContent = text;
    }
  }
}
