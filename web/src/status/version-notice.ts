/** Says that another version runs than the page's own, and offers to load the page anew. */

import type { Panel, View } from "../page.ts";
import { byId } from "../ui/dom.ts";

export class VersionNotice implements Panel {
  readonly #notice = byId("version-notice", HTMLElement);
  readonly #text = byId("version-text", HTMLElement);
  #shown = "";

  constructor(reload: () => void) {
    byId("version-reload", HTMLButtonElement).addEventListener("click", reload);
  }

  paint({ state: { version, ownVersion } }: View): void {
    const text =
      version === ownVersion ? "" : `Tradewire ${version} runs now. This page is of version ${ownVersion}.`;
    if (text !== this.#shown) {
      this.#shown = text;
      this.#notice.hidden = text === "";
      this.#text.textContent = text;
    }
  }
}
