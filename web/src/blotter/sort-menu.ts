/** The sort order as two select lists, for touch screens and for widths without column headers. */

import { element, setText } from "../ui/dom.ts";
import { type Clock, COLUMNS } from "./columns.ts";
import { type ColumnName, type Layout, type Sort, sortBy, visible } from "./layout.ts";

const DIRECTIONS: Readonly<Record<Sort["direction"], string>> = {
  descending: "Descending",
  ascending: "Ascending",
};

export class SortMenu {
  readonly elements: readonly HTMLElement[];
  readonly #column = element("select", "");
  readonly #direction = element("select", "");
  readonly #options: ReadonlyMap<ColumnName, HTMLOptionElement>;

  constructor(change: (change: (layout: Layout) => Layout) => void) {
    this.#options = new Map(COLUMNS.map(({ name }) => [name, option(name)]));
    this.#column.append(...this.#options.values());
    this.#direction.append(
      ...Object.entries(DIRECTIONS).map(([direction, label]) => {
        const made = option(direction);
        setText(made, label);
        return made;
      }),
    );
    const changed = (): void => {
      const by = COLUMNS.find(({ name }) => name === this.#column.value)?.name ?? "time";
      const direction = this.#direction.value === "ascending" ? "ascending" : "descending";
      change((layout) => sortBy(layout, { by, direction }));
    };
    for (const select of [this.#column, this.#direction]) {
      select.autocomplete = "off";
      select.addEventListener("change", changed);
    }
    this.elements = [
      field("sort-by", "Sort by", this.#column),
      field("sort-order", "Order", this.#direction),
    ];
  }

  paint(layout: Layout, clock: Clock): void {
    const names = visible(layout);
    for (const { name, label } of COLUMNS) {
      const made = this.#options.get(name);
      if (made) {
        setText(made, label(clock));
        made.hidden = !names.includes(name);
        // Some browsers show hidden options.
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

function field(id: string, text: string, select: HTMLSelectElement): HTMLElement {
  const made = element("div", "sort");
  const label = element("label", "");
  label.htmlFor = id;
  select.id = id;
  setText(label, text);
  made.append(label, select);
  return made;
}
