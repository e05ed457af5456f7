/** The order of the list as two select lists, for touch screens and for widths without column headers. */

import { NEWEST_FIRST, ORDER_FIELDS, type Order } from "../filters/order.ts";
import { element, setText } from "../ui/dom.ts";
import { directionLabel, orderLabel } from "./order-labels.ts";

const DIRECTIONS: readonly Order["direction"][] = ["descending", "ascending"];

export class SortMenu {
  readonly elements: readonly HTMLElement[];
  readonly #by = element("select", "");
  readonly #direction = element("select", "");

  constructor(sort: (order: Order) => void) {
    this.#by.append(...ORDER_FIELDS.map((by) => new Option(orderLabel(by), by)));
    this.#direction.append(...DIRECTIONS.map((direction) => new Option("", direction)));
    const changed = (): void => {
      const by = ORDER_FIELDS.find((name) => name === this.#by.value) ?? NEWEST_FIRST.by;
      const direction = this.#direction.value === "ascending" ? "ascending" : "descending";
      sort({ by, direction });
    };
    for (const select of [this.#by, this.#direction]) {
      select.autocomplete = "off";
      select.addEventListener("change", changed);
    }
    this.elements = [field("sort-by", "Sort by", this.#by), field("sort-order", "Order", this.#direction)];
  }

  paint({ by, direction }: Order): void {
    for (const option of this.#direction.options) {
      const each = option.value === "ascending" ? "ascending" : "descending";
      setText(option, directionLabel({ by, direction: each }));
    }
    this.#by.value = by;
    this.#direction.value = direction;
  }
}

function field(id: string, text: string, select: HTMLSelectElement): HTMLElement {
  const made = element("div", "sort");
  const label = element("label", "");
  label.htmlFor = id;
  select.id = id;
  setText(label, text);
  made.append(label, select);
  return made;
}
