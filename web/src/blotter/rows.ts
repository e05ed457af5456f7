/**
 * The rendered rows: only visible ones, in list order, with elements reused.
 *
 * A trade keeps its row element while it is visible, so that a text selection or a highlight in it survives.
 */

import type { TradeEvent } from "../trade/event.ts";
import { element } from "../ui/dom.ts";
import { dateAndClock } from "../ui/time-format.ts";
import type { Clock, Column } from "./columns.ts";

/** The element id of a trade's row. */
export function rowId(tradeId: string): string {
  return `trade-${tradeId}`;
}

export class Rows {
  readonly #body: HTMLElement;
  #byKey = new Map<string, HTMLElement>();
  #spare: HTMLElement[] = [];
  #columns: readonly Column[] = [];
  #clock: Clock = { zone: "utc", today: "" };

  constructor(body: HTMLElement) {
    this.#body = body;
  }

  /** Sets the columns and the time format, and removes all rows. */
  setColumns(columns: readonly Column[], clock: Clock): void {
    this.#columns = columns;
    this.#clock = clock;
    this.#byKey = new Map();
    this.#spare = [];
    this.#body.replaceChildren();
  }

  /**
   * Renders `trades`, undefined while a trade is being loaded; `first` is the row index of the first one. New
   * rows are highlighted if `mark`.
   */
  show(
    trades: readonly (TradeEvent | undefined)[],
    first: number,
    mark: boolean,
    focusedId: string | undefined,
  ): void {
    const keys = trades.map((trade, index) => trade?.id ?? `${first + index}`);
    this.#drop(new Set(keys));
    let next = this.#body.firstElementChild;
    let day: string | undefined;
    for (const [index, key] of keys.entries()) {
      const row = this.#byKey.get(key) ?? this.#make(key, trades[index], mark);
      // Counted from 1, after the header row.
      row.ariaRowIndex = String(first + index + 2);
      row.classList.toggle("focused", key === focusedId);
      const rowDay = this.#dayOf(trades[index]);
      row.classList.toggle("new-day", day !== undefined && rowDay !== undefined && rowDay !== day);
      day = rowDay;
      if (row === next) {
        next = next.nextElementSibling;
      } else {
        this.#body.insertBefore(row, next);
      }
    }
  }

  #dayOf(trade: TradeEvent | undefined): string | undefined {
    return trade && dateAndClock(trade.receivedMicros / 1000, this.#clock.zone).slice(0, "2026-11-24".length);
  }

  /** Removes the rows that are no longer visible. */
  #drop(kept: ReadonlySet<string>): void {
    for (const [key, row] of this.#byKey) {
      if (!kept.has(key)) {
        row.remove();
        this.#byKey.delete(key);
        if (row.dataset["id"] !== undefined) {
          this.#spare.push(row);
        }
      }
    }
  }

  #make(key: string, trade: TradeEvent | undefined, mark: boolean): HTMLElement {
    const row = trade ? this.#fill(trade, mark) : newRow(this.#columns, "row placeholder");
    this.#byKey.set(key, row);
    return row;
  }

  #fill(trade: TradeEvent, mark: boolean): HTMLElement {
    const row = this.#spare.pop() ?? newRow(this.#columns, "row");
    row.id = rowId(trade.id);
    row.dataset["id"] = trade.id;
    row.dataset["testid"] = "row";
    row.classList.toggle("flagged", trade.flags.length > 0);
    row.classList.toggle("fresh", mark);
    for (const [index, column] of this.#columns.entries()) {
      column.fill(row.children[index] as HTMLElement, trade, this.#clock);
    }
    return row;
  }
}

/** With the class `placeholder` it stands for a trade that is being loaded. */
function newRow(columns: readonly Column[], className: string): HTMLElement {
  const row = element("div", className);
  row.role = "row";
  row.append(...columns.map(({ name }) => newCell(name)));
  return row;
}

function newCell(name: string): HTMLElement {
  const cell = element("div", name);
  cell.role = "gridcell";
  return cell;
}
