/** The matrix's DOM: a cell for each pair, darker for more trades. Rebuilt only if its currencies change. */

import type { PairStats } from "../server/stats.ts";
import type { Pair } from "../server/stats-poller.ts";
import { element, setText } from "../ui/dom.ts";
import type { Amounts } from "./amounts.ts";
import { ArrowKeys } from "./arrow-keys.ts";
import { type Matrix, shade } from "./matrix.ts";
import { pairKey } from "./ranking.ts";

export class MatrixTable {
  readonly element = element("table", "matrix");
  readonly #amounts: Amounts;
  readonly #top = element("thead", "");
  readonly #body = element("tbody", "");
  readonly #arrowKeys = new ArrowKeys(this.#body);
  readonly #cells = new Map<string, HTMLTableCellElement>();
  readonly #pairs = new WeakMap<Element, PairStats>();
  #axes = "";

  constructor(amounts: Amounts, pick: (pair: Pair) => void) {
    this.#amounts = amounts;
    const caption = element("caption", "visually-hidden");
    caption.textContent = "Trades by currency sold (rows) and bought (columns)";
    this.element.append(caption, this.#top, this.#body);
    this.#body.addEventListener("click", ({ target }) => {
      const button = target instanceof Element ? target.closest("button") : undefined;
      const pair = button && this.#pairs.get(button);
      if (pair) {
        pick({ from: pair.from, to: pair.to });
      }
    });
  }

  paint(matrix: Matrix, selected: Pair): void {
    const axes = `${matrix.rows.join()} ${matrix.columns.join()}`;
    if (axes !== this.#axes) {
      this.#axes = axes;
      this.#build(matrix);
    }
    const selectedKey = pairKey(selected);
    for (const [key, cell] of this.#cells) {
      this.#fill(cell, matrix.cells.get(key), { max: matrix.max, isSelected: key === selectedKey });
    }
    this.#arrowKeys.refresh();
  }

  #build({ rows, columns }: Matrix): void {
    this.#cells.clear();
    const corner = element("td", "corner");
    corner.textContent = "sold ↓ bought →";
    const headerRow = element("tr", "");
    headerRow.append(corner, ...columns.map((currency) => heading(currency, "col")));
    this.#top.replaceChildren(headerRow);
    this.#body.replaceChildren(
      ...rows.map((from) => {
        const line = element("tr", "");
        line.append(heading(from, "row"));
        for (const to of columns) {
          const cell = line.insertCell();
          this.#cells.set(pairKey({ from, to }), cell);
        }
        return line;
      }),
    );
  }

  #fill(
    cell: HTMLTableCellElement,
    pair: PairStats | undefined,
    { max, isSelected }: { readonly max: number; readonly isSelected: boolean },
  ): void {
    if (!pair) {
      cell.replaceChildren();
      return;
    }
    let button = cell.querySelector("button");
    if (!button) {
      button = element("button", "plain");
      button.type = "button";
      button.tabIndex = -1;
      cell.append(button);
    }
    const shown = this.#pairs.get(button);
    const level = String(shade(pair.count, max));
    if (button.dataset["shade"] !== level) {
      button.dataset["shade"] = level;
    }
    if (button.ariaPressed !== String(isSelected)) {
      button.ariaPressed = String(isSelected);
    }
    if (shown !== pair) {
      this.#pairs.set(button, pair);
      const count = this.#amounts.count(pair.count);
      setText(button, count);
      button.ariaLabel = `${pairKey(pair)} ${count}`;
      button.title = `${pairKey(pair)}: ${this.#amounts.exact(String(pair.count))} trades`;
    }
  }
}

function heading(currency: string, scope: "col" | "row"): HTMLTableCellElement {
  const made = element("th", "currency");
  made.scope = scope;
  made.textContent = currency;
  return made;
}
