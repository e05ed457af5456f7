/** The matrix: a cell for each pair, the darker the busier. Built anew only when its currencies change. */

import type { PairFigures } from "../server/stats.ts";
import type { Pair } from "../server/stats-poller.ts";
import { element, setText } from "../ui/dom.ts";
import type { Amounts } from "./amounts.ts";
import { Arrows } from "./arrow-keys.ts";
import { type Grid, shade } from "./matrix.ts";
import { pairKey } from "./ranking.ts";

export class MatrixTable {
  readonly element = element("table", "matrix");
  readonly #amounts: Amounts;
  readonly #top = element("thead", "");
  readonly #body = element("tbody", "");
  readonly #arrows = new Arrows(this.#body);
  readonly #cells = new Map<string, HTMLTableCellElement>();
  readonly #pairs = new WeakMap<Element, PairFigures>();
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

  paint(grid: Grid, chosen: Pair): void {
    const axes = `${grid.rows.join()} ${grid.columns.join()}`;
    if (axes !== this.#axes) {
      this.#axes = axes;
      this.#lay(grid);
    }
    const chosenKey = pairKey(chosen);
    for (const [key, cell] of this.#cells) {
      this.#fill(cell, grid.cells.get(key), { most: grid.most, isChosen: key === chosenKey });
    }
    this.#arrows.refresh();
  }

  #lay({ rows, columns }: Grid): void {
    this.#cells.clear();
    const corner = element("td", "corner");
    corner.textContent = "sold ↓ bought →";
    const heads = element("tr", "");
    heads.append(corner, ...columns.map((currency) => head(currency, "col")));
    this.#top.replaceChildren(heads);
    this.#body.replaceChildren(
      ...rows.map((from) => {
        const line = element("tr", "");
        line.append(head(from, "row"));
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
    pair: PairFigures | undefined,
    { most, isChosen }: { readonly most: number; readonly isChosen: boolean },
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
    const level = String(shade(pair.count, most));
    if (button.dataset["shade"] !== level) {
      button.dataset["shade"] = level;
    }
    if (button.ariaPressed !== String(isChosen)) {
      button.ariaPressed = String(isChosen);
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

function head(currency: string, scope: "col" | "row"): HTMLTableCellElement {
  const made = element("th", "currency");
  made.scope = scope;
  made.textContent = currency;
  return made;
}
