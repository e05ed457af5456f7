/** The legend of the circles' size: a circle and the round number that it stands for. */

import { radius, roundBelow, type Size } from "./geometry.ts";
import type { Labels } from "./labels.ts";
import { setAttribute, setCircle, svgElement } from "./svg.ts";

const MARGIN = 12;

export class Legend {
  readonly element = svgElement("g", "legend");
  readonly #circle = svgElement("circle", "");
  readonly #text = svgElement("text", "");
  readonly #labels: Labels;

  constructor(labels: Labels) {
    this.#labels = labels;
    this.element.append(this.#circle, this.#text);
    this.element.setAttribute("aria-hidden", "true");
  }

  paint(max: number, largest: number, { height }: Size): void {
    this.element.toggleAttribute("hidden", max === 0);
    if (max === 0) {
      return;
    }
    const count = roundBelow(max);
    const size = radius(count, max, largest);
    const x = MARGIN + largest;
    const y = height - MARGIN - largest;
    setCircle(this.#circle, x, y, size);
    setAttribute(this.#text, "x", x + largest + 6);
    setAttribute(this.#text, "y", y);
    const text = `${this.#labels.count(count)} ${count === 1 ? "trade" : "trades"}`;
    if (this.#text.textContent !== text) {
      this.#text.textContent = text;
    }
  }
}
