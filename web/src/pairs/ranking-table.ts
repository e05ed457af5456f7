/** The ranking: one row for each pair, which stays the same element wherever it stands. */

import type { PairFigures } from "../server/stats.ts";
import type { Pair } from "../server/stats-poller.ts";
import { unitsText } from "../trade/decimal.ts";
import { element, setText } from "../ui/dom.ts";
import type { Amounts } from "./amounts.ts";
import { Arrows } from "./arrow-keys.ts";
import {
  COLUMNS,
  type Column,
  changeMillionths,
  held,
  type Order,
  pairKey,
  ranked,
  vwap,
} from "./ranking.ts";

export const ROWS_MAX = 200;

const HEADS: Readonly<Record<Column, readonly [word: string, meaning: string]>> = {
  pair: ["Pair", "Sold → bought"],
  count: ["Trades", "How many trades"],
  sold: ["Sold", "Sum of what was sold"],
  bought: ["Bought", "Sum of what was bought"],
  vwap: ["VWAP", "Mean rate, weighted by volume: bought ÷ sold"],
  last: ["Last", "Last rate"],
  change: ["Chg %", "Last rate against the first one of this stretch of time, in percent"],
};

interface Row {
  readonly element: HTMLTableRowElement;
  readonly button: HTMLButtonElement;
  readonly cells: readonly HTMLElement[];
  figures: PairFigures | undefined;
}

export interface Chosen {
  readonly sort: (column: Column) => void;
  readonly pick: (pair: Pair) => void;
}

export class RankingTable {
  readonly element = element("table", "ranking");
  readonly #amounts: Amounts;
  readonly #heads = new Map<Column, HTMLElement>();
  readonly #body = element("tbody", "");
  readonly #arrows = new Arrows(this.#body);
  readonly #rows = new Map<string, Row>();
  #order: Order | undefined;
  #sequence: readonly string[] = [];

  constructor(amounts: Amounts, chosen: Chosen) {
    this.#amounts = amounts;
    const heads = element("tr", "");
    for (const column of COLUMNS) {
      const head = element("th", column);
      head.scope = "col";
      const button = element("button", "plain");
      button.type = "button";
      [button.textContent, button.title] = HEADS[column];
      button.addEventListener("click", () => chosen.sort(column));
      head.append(button);
      heads.append(head);
      this.#heads.set(column, head);
    }
    const top = element("thead", "");
    top.append(heads);
    this.element.append(top, this.#body);
    this.#body.addEventListener("click", ({ target }) => {
      const row = target instanceof Element ? target.closest("tr") : undefined;
      const figures = row && this.#rows.get(row.dataset["pair"] ?? "")?.figures;
      if (figures) {
        chosen.pick({ from: figures.from, to: figures.to });
      }
    });
  }

  paint(pairs: readonly PairFigures[], order: Order, chosen: Pair): void {
    // A row that someone is about to click, or that has the focus, stays where it is.
    const isHeld = order === this.#order && this.#body.matches(":hover, :focus-within");
    const list = isHeld ? held(pairs, this.#sequence, order) : ranked(pairs, order);
    const shown = list.slice(0, ROWS_MAX);
    if (order !== this.#order) {
      this.#order = order;
      const way = order.isDown ? "descending" : "ascending";
      for (const [column, head] of this.#heads) {
        head.ariaSort = column === order.by ? way : null;
      }
    }
    this.#sequence = shown.map(pairKey);
    this.#place();
    const chosenKey = pairKey(chosen);
    for (const pair of shown) {
      this.#fill(pair, pairKey(pair) === chosenKey);
    }
    this.#arrows.refresh();
  }

  /** Brings the rows into their sequence, and moves only those that are not in their place. */
  #place(): void {
    const wanted = new Set(this.#sequence);
    for (const [key, row] of this.#rows) {
      if (!wanted.has(key)) {
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
    const head = element("th", "pair");
    head.scope = "row";
    const button = element("button", "plain");
    button.type = "button";
    button.tabIndex = -1;
    button.textContent = key;
    head.append(button);
    const cells = COLUMNS.slice(1).map((column) => element("td", column));
    line.append(head, ...cells);
    const row: Row = { element: line, button, cells, figures: undefined };
    this.#rows.set(key, row);
    return row;
  }

  #fill(pair: PairFigures, isChosen: boolean): void {
    const row = this.#rows.get(pairKey(pair));
    if (!row) {
      return;
    }
    if (row.button.ariaPressed !== String(isChosen)) {
      row.button.ariaPressed = String(isChosen);
    }
    if (row.figures !== pair) {
      row.figures = pair;
      for (const [index, [text, title]] of this.#texts(pair).entries()) {
        const cell = row.cells[index];
        if (cell && cell.textContent !== text) {
          setText(cell, text);
          cell.title = title === text ? "" : title;
        }
      }
    }
  }

  /** What the cells behind the pair say, shortened and in full. */
  #texts(pair: PairFigures): readonly (readonly [text: string, title: string])[] {
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
