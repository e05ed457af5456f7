/** How much was traded, and at what rate, over time. */

import { element, setText } from "../dom.ts";
import type { Page, Panel, View } from "../page.ts";

export class Series implements Panel {
  readonly #total = element("p", "total");

  constructor(place: HTMLElement, _page: Page) {
    place.append(this.#total);
  }

  paint({ statistics: { messages }, window }: View): void {
    setText(this.#total, messages ? `${messages.total.count} trades in ${window}` : "Loading…");
  }
}
