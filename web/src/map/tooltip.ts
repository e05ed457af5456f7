/** The stats of one country: beside its circle, or docked in the corner. */

import { element, setText } from "../ui/dom.ts";
import type { Dot, Size } from "./geometry.ts";

const GAP = 8;

export class Tooltip {
  readonly element = element("div", "tooltip");
  readonly #name = element("strong", "");
  readonly #text = element("span", "");

  constructor() {
    this.element.dataset["testid"] = "map-tooltip";
    // The focusable circle has the same text as its label.
    this.element.setAttribute("aria-hidden", "true");
    this.element.hidden = true;
    this.element.append(this.#name, this.#text);
  }

  show(name: string, text: string): void {
    setText(this.#name, name);
    setText(this.#text, text);
    this.element.hidden = false;
    this.element.style.transform = "";
    this.element.classList.add("docked");
  }

  /** Places it above the circle, or below if there is no space, within the map's edges. */
  moveTo({ x, y, radius }: Dot, size: Size): void {
    this.element.classList.remove("docked");
    const { offsetWidth: width, offsetHeight: height } = this.element;
    const left = Math.max(Math.min(x - width / 2, size.width - width), 0);
    const above = y - radius - GAP - height;
    const top = above >= 0 ? above : y + radius + GAP;
    this.element.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }

  hide(): void {
    this.element.hidden = true;
  }
}
