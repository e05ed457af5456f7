/** By which column to sort, as two lists: for fingers, and where there is no room for the columns' heads. */

import { element, setText } from "../ui/dom.ts";
import { type Clock, COLUMNS } from "./columns.ts";
import { type ColumnName, type Layout, type Sort, sortBy, visible } from "./layout.ts";

const DIRECTIONS: Readonly<Record<Sort["direction"], string>> = {
  descending: "Greatest first",
  ascending: "Least first",
};

export class SortChoice {
  readonly elements: readonly HTMLElement[];
  readonly #column = element("select", "");
  readonly #direction = element("select", "");
  readonly #options: ReadonlyMap<ColumnName, HTMLOptionElement>;

  constructor(change: (change: (layout: Layout) => Layout) => void) {
    this.#options = new Map(COLUMNS.map(({ name }) => [name, option(name)]));
    this.#column.append(...this.#options.values());
    this.#direction.append(
      ...Object.entries(DIRECTIONS).map(([direction, words]) => {
        const made = option(direction);
        setText(made, words);
        return made;
      }),
    );
    const chosen = (): void => {
      const by = COLUMNS.find(({ name }) => name === this.#column.value)?.name ?? "time";
      const direction = this.#direction.value === "ascending" ? "ascending" : "descending";
      change((layout) => sortBy(layout, { by, direction }));
    };
    for (const select of [this.#column, this.#direction]) {
      select.autocomplete = "off";
      select.addEventListener("change", chosen);
    }
    this.elements = [line("sort-by", "Sort by", this.#column), line("sort-order", "Order", this.#direction)];
  }

  paint(layout: Layout, clock: Clock): void {
    const names = visible(layout);
    for (const { name, label } of COLUMNS) {
      const made = this.#options.get(name);
      if (made) {
        setText(made, label(clock));
        made.hidden = !names.includes(name);
        // Some browsers list what is hidden.
        made.disabled = made.hidden;
      }
    }
    this.#column.value = layout.sort.by;
    this.#direction.value = layout.sort.direction;
  }
}

function option(value: string): HTMLOptionElement {
  const made = element("option", "");
  made.value = value;
  return made;
}

function line(id: string, words: string, select: HTMLSelectElement): HTMLElement {
  const made = element("div", "sort");
  const label = element("label", "");
  label.htmlFor = id;
  select.id = id;
  setText(label, words);
  made.append(label, select);
  return made;
}
