/**
 * The rows that are in the document: only those in sight, in the order of the list, and used again and again.
 *
 * A trade keeps its row for as long as it is in sight, so a selection in it, or a highlight, lives on while others move.
 */

import type { Update } from "../trade/event.ts";
import { element } from "../ui/dom.ts";
import type { Clock, Column } from "./columns.ts";

/** The id that a trade's row has in the document. */
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

  /** From now on rows look like this: those that are there are made anew. */
  lookLike(columns: readonly Column[], clock: Clock): void {
    this.#columns = columns;
    this.#clock = clock;
    this.#byKey = new Map();
    this.#spare = [];
    this.#body.replaceChildren();
  }

  /**
   * Shows `updates`, the first of which has the place `first` in the list; undefined is one that is on its way.
   * New ones are marked when `mark`, and the one in hand is, always.
   */
  show(
    updates: readonly (Update | undefined)[],
    first: number,
    mark: boolean,
    inHand: string | undefined,
  ): void {
    const keys = updates.map((update, index) => update?.id ?? `${first + index}`);
    this.#drop(new Set(keys));
    let next = this.#body.firstElementChild;
    for (const [index, key] of keys.entries()) {
      const row = this.#byKey.get(key) ?? this.#make(key, updates[index], mark);
      // Counted from 1, and the header is the first row.
      row.ariaRowIndex = String(first + index + 2);
      row.classList.toggle("in-hand", key === inHand);
      if (row === next) {
        next = next.nextElementSibling;
      } else {
        this.#body.insertBefore(row, next);
      }
    }
  }

  /** Takes the rows out of the document whose trades are out of sight. */
  #drop(wanted: ReadonlySet<string>): void {
    for (const [key, row] of this.#byKey) {
      if (!wanted.has(key)) {
        row.remove();
        this.#byKey.delete(key);
        if (row.dataset["id"] !== undefined) {
          this.#spare.push(row);
        }
      }
    }
  }

  #make(key: string, update: Update | undefined, mark: boolean): HTMLElement {
    const row = update ? this.#fill(update, mark) : waitingRow();
    this.#byKey.set(key, row);
    return row;
  }

  #fill(update: Update, mark: boolean): HTMLElement {
    const row = this.#spare.pop() ?? newRow(this.#columns);
    row.id = rowId(update.id);
    row.dataset["id"] = update.id;
    row.classList.toggle("flagged", update.flags.length > 0);
    row.classList.toggle("fresh", mark);
    for (const [index, column] of this.#columns.entries()) {
      column.fill(row.children[index] as HTMLElement, update, this.#clock);
    }
    return row;
  }
}

function newRow(columns: readonly Column[]): HTMLElement {
  const row = element("div", "row");
  row.role = "row";
  row.dataset["testid"] = "row";
  row.append(...columns.map(({ name }) => newCell(name)));
  return row;
}

/** Stands for a trade that was here before, and is being fetched again. */
function waitingRow(): HTMLElement {
  const row = element("div", "row waiting");
  row.role = "row";
  const cell = newCell("time");
  cell.textContent = "Loading…";
  row.append(cell);
  return row;
}

function newCell(name: string): HTMLElement {
  const cell = element("div", name);
  cell.role = "gridcell";
  return cell;
}
