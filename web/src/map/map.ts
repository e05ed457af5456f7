/** Where trades come from. */

import { element, setText } from "../dom.ts";
import type { Figures } from "../figures.ts";
import { countryNames } from "../format.ts";
import type { Page, Panel, View } from "../page.ts";

const countryName = countryNames();

export class WorldMap implements Panel {
  readonly #list = element("ol", "ranking");
  readonly #page: Page;
  #figures: Figures | undefined;

  constructor(place: HTMLElement, page: Page) {
    this.#page = page;
    place.append(this.#list);
  }

  paint({ statistics: { countries } }: View): void {
    if (countries === this.#figures) {
      return;
    }
    this.#figures = countries;
    this.#list.replaceChildren(
      ...(countries?.countries ?? []).map(({ country, count }) => this.#line(country, count)),
    );
  }

  #line(country: string, count: number): HTMLElement {
    const line = element("li", "");
    const button = element("button", "plain");
    button.addEventListener("click", () => this.#page.address.toggle({ country }));
    setText(button, `${countryName(country)} ${count}`);
    line.append(button);
    return line;
  }
}
