/** The map's twin: the same figures as a table, most trades first; a row filters. */

import type { CountryFigures, Figures } from "../server/stats.ts";
import { element, setText } from "../ui/dom.ts";
import { keepingOrder, listed, type Words } from "./labels.ts";
import { setAttribute } from "./svg.ts";

const HEADINGS = ["Country", "Trades", "Share", "Flagged"] as const;

interface Row {
  readonly element: HTMLTableRowElement;
  readonly button: HTMLButtonElement;
  readonly cells: readonly [count: HTMLElement, share: HTMLElement, flagged: HTMLElement];
}

export interface TableActions {
  readonly nameOf: (country: string) => string;
  readonly words: Words;
  readonly choose: (country: string) => void;
}

export class CountryTable {
  readonly element = element("table", "countries");
  readonly #body = element("tbody", "");
  readonly #actions: TableActions;
  readonly #rows = new Map<string, Row>();
  #order: readonly string[] = [];
  #figures: Figures | undefined;
  #chosen = "";

  constructor(actions: TableActions) {
    this.#actions = actions;
    this.element.dataset["testid"] = "map-table";
    const caption = element("caption", "visually-hidden");
    setText(caption, "Trades by originating country, most first");
    const head = element("tr", "");
    for (const heading of HEADINGS) {
      const cell = element("th", "");
      cell.scope = "col";
      setText(cell, heading);
      head.append(cell);
    }
    const top = element("thead", "");
    top.append(head);
    this.element.append(caption, top, this.#body);
  }

  paint(figures: Figures | undefined, chosen: string): void {
    if (figures === this.#figures && chosen === this.#chosen) {
      return;
    }
    this.#figures = figures;
    this.#chosen = chosen;
    const isHeld = this.#body.matches(":hover, :focus-within");
    const ranked = listed(figures, chosen);
    const countries = isHeld ? keepingOrder(ranked, this.#order) : ranked;
    const rows = countries.map((country) => this.#paintRow(country, figures));
    this.#arrange(countries, rows);
  }

  #paintRow({ country, count, flagged }: CountryFigures, figures: Figures | undefined): HTMLTableRowElement {
    const { words } = this.#actions;
    const row = this.#row(country);
    const [counted, shared, marked] = row.cells;
    setAttribute(row.button, "aria-pressed", String(country === this.#chosen));
    setText(counted, words.count(count));
    setText(shared, words.share(count, figures?.total.count ?? 0));
    setText(marked, words.count(flagged));
    const most = figures?.countries[0]?.count ?? 0;
    row.element.style.setProperty("--part", most > 0 ? (count / most).toFixed(3) : "0");
    return row.element;
  }

  /** Touches the document only where the order is another: what has the focus would lose it. */
  #arrange(countries: readonly CountryFigures[], rows: readonly HTMLTableRowElement[]): void {
    const order = countries.map(({ country }) => country);
    if (
      order.length === this.#order.length &&
      order.every((country, index) => country === this.#order[index])
    ) {
      return;
    }
    const kept = new Set(order);
    for (const [country, { element: row }] of this.#rows) {
      if (!kept.has(country)) {
        row.remove();
        this.#rows.delete(country);
      }
    }
    this.#order = order;
    for (const [index, row] of rows.entries()) {
      const there = this.#body.rows[index];
      if (there !== row) {
        this.#body.insertBefore(row, there ?? null);
      }
    }
  }

  #row(country: string): Row {
    const known = this.#rows.get(country);
    if (known) {
      return known;
    }
    const line = element("tr", "");
    const heading = element("th", "bar");
    heading.scope = "row";
    const button = element("button", "plain");
    setText(button, this.#actions.nameOf(country));
    button.title = button.textContent;
    button.dataset["country"] = country;
    button.addEventListener("click", () => this.#actions.choose(country));
    heading.append(button);
    const cells = [element("td", ""), element("td", ""), element("td", "")] as const;
    line.append(heading, ...cells);
    const row = { element: line, button, cells };
    this.#rows.set(country, row);
    return row;
  }
}
