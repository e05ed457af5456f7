/** How each part of the stack stands. */

import { element, setText } from "../dom.ts";
import type { Health, Part } from "../health.ts";
import type { Page, Panel, View } from "../page.ts";

export class Operations implements Panel {
  readonly #parts = element("ul", "parts");
  #health: Health | undefined;

  constructor(place: HTMLElement, _page: Page) {
    place.append(this.#parts);
  }

  paint({ health }: View): void {
    if (health === this.#health) {
      return;
    }
    this.#health = health;
    this.#parts.replaceChildren(...health.parts.map(partLine));
  }
}

function partLine({ name, status, detail }: Part): HTMLElement {
  const line = element("li", "");
  setText(line, `${name}: ${detail || status}`);
  return line;
}
