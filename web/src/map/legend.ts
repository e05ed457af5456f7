/** What the circles' size means: one of them, with the round number that it stands for. */

import { radius, roundBelow, type Size } from "./geometry.ts";
import type { Words } from "./labels.ts";
import { setAttribute, setCircle, svgElement } from "./svg.ts";

const MARGIN = 12;

export class Legend {
  readonly element = svgElement("g", "legend");
  readonly #circle = svgElement("circle", "");
  readonly #text = svgElement("text", "");
  readonly #words: Words;

  constructor(words: Words) {
    this.#words = words;
    this.element.append(this.#circle, this.#text);
    this.element.setAttribute("aria-hidden", "true");
  }

  paint(most: number, largest: number, { height }: Size): void {
    this.element.toggleAttribute("hidden", most === 0);
    if (most === 0) {
      return;
    }
    const count = roundBelow(most);
    const size = radius(count, most, largest);
    const x = MARGIN + largest;
    const y = height - MARGIN - largest;
    setCircle(this.#circle, x, y, size);
    setAttribute(this.#text, "x", x + largest + 6);
    setAttribute(this.#text, "y", y);
    const words = `${this.#words.count(count)} ${count === 1 ? "trade" : "trades"}`;
    if (this.#text.textContent !== words) {
      this.#text.textContent = words;
    }
  }
}
