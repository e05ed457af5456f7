/** The ranking's DOM. A pair keeps its row element when the order changes. */

import type { PairStats } from "../server/stats.ts";
import type { Pair } from "../server/stats-poller.ts";
import { unitsText } from "../trade/decimal.ts";
import { element, setText } from "../ui/dom.ts";
import type { Amounts } from "./amounts.ts";
import { ArrowKeys } from "./arrow-keys.ts";
import {
  COLUMNS,
  type Column,
  changeMillionths,
  keepOrder,
  type Order,
  pairKey,
  ranked,
  vwap,
} from "./ranking.ts";

export const ROWS_MAX = 200;

const HEADINGS: Readonly<Record<Column, readonly [label: string, meaning: string]>> = {
  pair: ["Pair", "Sold → bought"],
  count: ["Trades", "Number of trades"],
  sold: ["Sold", "Total amount sold"],
  bought: ["Bought", "Total amount bought"],
  vwap: ["VWAP", "Volume-weighted average rate: bought ÷ sold"],
  last: ["Last", "Last rate"],
  change: ["Chg %", "Change from the first to the last rate in the time range, in percent"],
};

interface Row {
  readonly element: HTMLTableRowElement;
  readonly button: HTMLButtonElement;
  readonly cells: readonly HTMLElement[];
  stats: PairStats | undefined;
}

export interface RankingActions {
  readonly sort: (column: Column) => void;
  readonly pick: (pair: Pair) => void;
}

export class RankingTable {
  readonly element = element("table", "ranking");
  readonly #amounts: Amounts;
  readonly #headings = new Map<Column, HTMLElement>();
  readonly #body = element("tbody", "");
  readonly #arrowKeys = new ArrowKeys(this.#body);
  readonly #headerKeys: ArrowKeys;
  readonly #rows = new Map<string, Row>();
  #order: Order | undefined;
  #sequence: readonly string[] = [];

  constructor(amounts: Amounts, actions: RankingActions) {
    this.#amounts = amounts;
    const caption = element("caption", "visually-hidden");
    caption.textContent = "Trades by pair";
    const headerRow = element("tr", "");
    for (const column of COLUMNS) {
      const heading = element("th", column);
      heading.scope = "col";
      const button = element("button", "plain");
      button.type = "button";
      button.tabIndex = -1;
      [button.textContent, button.title] = HEADINGS[column];
      button.addEventListener("click", () => actions.sort(column));
      heading.append(button);
      headerRow.append(heading);
      this.#headings.set(column, heading);
    }
    const top = element("thead", "");
    top.append(headerRow);
    this.#headerKeys = new ArrowKeys(top);
    this.#headerKeys.refresh();
    this.element.append(caption, top, this.#body);
    this.#body.addEventListener("click", ({ target }) => {
      const row = target instanceof Element ? target.closest("tr") : undefined;
      const stats = row && this.#rows.get(row.dataset["pair"] ?? "")?.stats;
      if (stats) {
        actions.pick({ from: stats.from, to: stats.to });
      }
    });
  }

  paint(pairs: readonly PairStats[], order: Order, selected: Pair): void {
    // A row that is hovered or focused must not move.
    const isHeld = order === this.#order && this.#body.matches(":hover, :focus-within");
    const list = isHeld ? keepOrder(pairs, this.#sequence, order) : ranked(pairs, order);
    const shown = list.slice(0, ROWS_MAX);
    if (order !== this.#order) {
      this.#order = order;
      const direction = order.isDescending ? "descending" : "ascending";
      for (const [column, heading] of this.#headings) {
        heading.ariaSort = column === order.by ? direction : null;
      }
    }
    this.#sequence = shown.map(pairKey);
    this.#place();
    const selectedKey = pairKey(selected);
    for (const pair of shown) {
      this.#fill(pair, pairKey(pair) === selectedKey);
    }
    this.#arrowKeys.refresh();
  }

  /** Moves only the rows that are out of place. */
  #place(): void {
    const kept = new Set(this.#sequence);
    for (const [key, row] of this.#rows) {
      if (!kept.has(key)) {
        row.element.remove();
        this.#rows.delete(key);
      }
    }
    let next = this.#body.firstElementChild;
    for (const key of this.#sequence) {
      const row = this.#rows.get(key) ?? this.#newRow(key);
      if (row.element === next) {
        next = next.nextElementSibling;
      } else {
        this.#body.insertBefore(row.element, next);
      }
    }
  }

  #newRow(key: string): Row {
    const line = element("tr", "");
    line.dataset["pair"] = key;
    const heading = element("th", "pair");
    heading.scope = "row";
    const button = element("button", "plain");
    button.type = "button";
    button.tabIndex = -1;
    button.textContent = key;
    heading.append(button);
    const cells = COLUMNS.slice(1).map((column) => element("td", column));
    line.append(heading, ...cells);
    const row: Row = { element: line, button, cells, stats: undefined };
    this.#rows.set(key, row);
    return row;
  }

  #fill(pair: PairStats, isSelected: boolean): void {
    const row = this.#rows.get(pairKey(pair));
    if (!row) {
      return;
    }
    if (row.button.ariaPressed !== String(isSelected)) {
      row.button.ariaPressed = String(isSelected);
    }
    if (row.stats !== pair) {
      row.stats = pair;
      for (const [index, [text, title]] of this.#texts(pair).entries()) {
        const cell = row.cells[index];
        if (cell && cell.textContent !== text) {
          setText(cell, text);
          cell.title = title === text ? "" : title;
        }
      }
    }
  }

  /** Returns text and title of the cells after the pair. */
  #texts(pair: PairStats): readonly (readonly [text: string, title: string])[] {
    const { from, to, count, sold, bought, open, last } = pair;
    const { exact } = this.#amounts;
    const [soldText, boughtText, mean] = [unitsText(sold), unitsText(bought), vwap(pair)];
    const [openText, lastText] = [exact(unitsText(open)), exact(unitsText(last))];
    return [
      [exact(String(count)), exact(String(count))],
      [this.#amounts.short(soldText), `${exact(soldText)} ${from}`],
      [this.#amounts.short(boughtText), `${exact(boughtText)} ${to}`],
      [this.#amounts.rate(mean), exact(mean)],
      [lastText, lastText],
      [this.#amounts.change(changeMillionths(pair)), `from ${openText} to ${lastText}`],
    ];
  }
}
