/** The map's data as a table, most trades first. A click on a row filters. */

import type { CountryStats, Stats } from "../server/stats.ts";
import { element, setText } from "../ui/dom.ts";
import { keepOrder, type Labels, listCountries } from "./labels.ts";
import { setAttribute } from "./svg.ts";

const HEADINGS = ["Country", "Trades", "Share", "Flagged"] as const;

interface Row {
  readonly element: HTMLTableRowElement;
  readonly button: HTMLButtonElement;
  readonly cells: readonly [count: HTMLElement, share: HTMLElement, flagged: HTMLElement];
}

export interface TableActions {
  readonly nameOf: (country: string) => string;
  readonly labels: Labels;
  readonly select: (country: string) => void;
}

export class CountryTable {
  readonly element = element("table", "countries");
  readonly #body = element("tbody", "");
  readonly #actions: TableActions;
  readonly #rows = new Map<string, Row>();
  #order: readonly string[] = [];
  #stats: Stats | undefined;
  #selected = "";

  constructor(actions: TableActions) {
    this.#actions = actions;
    this.element.dataset["testid"] = "map-table";
    const caption = element("caption", "visually-hidden");
    setText(caption, "Trades by country of origin, most first");
    const head = element("tr", "");
    for (const heading of HEADINGS) {
      const cell = element("th", "sticky-header");
      cell.scope = "col";
      setText(cell, heading);
      head.append(cell);
    }
    const top = element("thead", "");
    top.append(head);
    this.element.append(caption, top, this.#body);
  }

  paint(stats: Stats | undefined, selected: string): void {
    if (stats === this.#stats && selected === this.#selected) {
      return;
    }
    this.#stats = stats;
    this.#selected = selected;
    const isHeld = this.#body.matches(":hover, :focus-within");
    const ranked = listCountries(stats, selected);
    const countries = isHeld ? keepOrder(ranked, this.#order) : ranked;
    const rows = countries.map((country) => this.#paintRow(country, stats));
    this.#arrange(countries, rows);
  }

  #paintRow({ country, count, flagged }: CountryStats, stats: Stats | undefined): HTMLTableRowElement {
    const { labels } = this.#actions;
    const row = this.#row(country);
    const [counted, shared, marked] = row.cells;
    setAttribute(row.button, "aria-pressed", String(country === this.#selected));
    setText(counted, labels.count(count));
    setText(shared, labels.share(count, stats?.total.count ?? 0));
    setText(marked, labels.count(flagged));
    const max = stats?.countries[0]?.count ?? 0;
    row.element.style.setProperty("--part", max > 0 ? (count / max).toFixed(3) : "0");
    return row.element;
  }

  /** Moves rows only if the order has changed, because a moved element loses the focus. */
  #arrange(countries: readonly CountryStats[], rows: readonly HTMLTableRowElement[]): void {
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
      const current = this.#body.rows[index];
      if (current !== row) {
        this.#body.insertBefore(row, current ?? null);
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
    button.addEventListener("click", () => this.#actions.select(country));
    heading.append(button);
    const cells = [element("td", ""), element("td", ""), element("td", "")] as const;
    line.append(heading, ...cells);
    const row = { element: line, button, cells };
    this.#rows.set(country, row);
    return row;
  }
}
