/** Which currencies are traded for which. */

import { element, setText } from "../dom.ts";
import type { Figures, PairFigures } from "../figures.ts";
import type { Page, Panel, View } from "../page.ts";

export class Pairs implements Panel {
  readonly #list = element("ol", "ranking");
  readonly #page: Page;
  #figures: Figures | undefined;

  constructor(place: HTMLElement, page: Page) {
    this.#page = page;
    place.append(this.#list);
  }

  paint({ statistics: { pairs } }: View): void {
    if (pairs === this.#figures) {
      return;
    }
    this.#figures = pairs;
    this.#list.replaceChildren(...(pairs?.pairs ?? []).map((pair) => this.#line(pair)));
  }

  #line({ from, to, count }: PairFigures): HTMLElement {
    const line = element("li", "");
    const button = element("button", "plain");
    button.addEventListener("click", () => this.#page.address.toggle({ from, to }));
    setText(button, `${from}→${to} ${count}`);
    line.append(button);
    return line;
  }
}
