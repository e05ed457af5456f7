/** The figures of one country, in words: beside its circle, or in the corner, where they may stay. */

import { element, setText } from "../ui/dom.ts";
import type { Dot, Size } from "./geometry.ts";

const GAP = 8;

export class Tip {
  readonly element = element("div", "tip");
  readonly #name = element("strong", "");
  readonly #figures = element("span", "");

  constructor() {
    this.element.dataset["testid"] = "map-tip";
    // What can be focused says the same in its own name.
    this.element.setAttribute("aria-hidden", "true");
    this.element.hidden = true;
    this.element.append(this.#name, this.#figures);
  }

  show(name: string, figures: string): void {
    setText(this.#name, name);
    setText(this.#figures, figures);
    this.element.hidden = false;
    this.element.style.transform = "";
    this.element.classList.add("resting");
  }

  /** Goes above the circle, or below where there is no room; never over the edge. */
  moveTo({ x, y, radius }: Dot, room: Size): void {
    this.element.classList.remove("resting");
    const { offsetWidth: width, offsetHeight: height } = this.element;
    const left = Math.max(Math.min(x - width / 2, room.width - width), 0);
    const above = y - radius - GAP - height;
    const top = above >= 0 ? above : y + radius + GAP;
    this.element.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }

  hide(): void {
    this.element.hidden = true;
  }
}
