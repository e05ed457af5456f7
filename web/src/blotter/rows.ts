/**
 * The rows that are in the document: only those in sight, in the order of the list, and used again and again.
 *
 * A trade keeps its row for as long as it is in sight, so a selection in it, or a highlight, lives on while others move.
 */

import { element } from "../dom.ts";
import type { Update } from "../update.ts";
import { COLUMNS } from "./columns.ts";

export class Rows {
  readonly #body: HTMLElement;
  readonly #byId = new Map<string, HTMLElement>();
  readonly #spare: HTMLElement[] = [];

  constructor(body: HTMLElement) {
    this.#body = body;
  }

  /** Shows `updates`, the first of which has the place `first` in the list. New ones are marked when `mark`. */
  show(updates: readonly Update[], first: number, mark: boolean): void {
    this.#drop(updates);
    let next = this.#body.firstElementChild;
    for (const [index, update] of updates.entries()) {
      const row = this.#byId.get(update.id) ?? this.#fill(update, mark);
      // Counted from 1, and the header is the first row.
      row.ariaRowIndex = String(first + index + 2);
      if (row === next) {
        next = next.nextElementSibling;
      } else {
        this.#body.insertBefore(row, next);
      }
    }
  }

  /** Takes the rows out of the document whose trades are out of sight. */
  #drop(updates: readonly Update[]): void {
    const wanted = new Set(updates.map((update) => update.id));
    for (const [id, row] of this.#byId) {
      if (!wanted.has(id)) {
        row.remove();
        this.#byId.delete(id);
        this.#spare.push(row);
      }
    }
  }

  #fill(update: Update, mark: boolean): HTMLElement {
    const row = this.#spare.pop() ?? newRow();
    row.dataset["id"] = update.id;
    row.classList.toggle("flagged", update.flags.length > 0);
    row.classList.toggle("fresh", mark);
    for (const [index, column] of COLUMNS.entries()) {
      column.fill(row.children[index] as HTMLElement, update);
    }
    this.#byId.set(update.id, row);
    return row;
  }
}

/** The row of column headers. */
export function headerRow(): HTMLElement {
  const row = element("div", "row");
  row.role = "row";
  row.ariaRowIndex = "1";
  row.append(...COLUMNS.map((column) => headerCell(column.name, column.label)));
  return row;
}

function headerCell(name: string, label: string): HTMLElement {
  const cell = element("div", name);
  cell.role = "columnheader";
  cell.textContent = label;
  return cell;
}

function newRow(): HTMLElement {
  const row = element("div", "row");
  row.role = "row";
  row.dataset["testid"] = "row";
  row.append(...COLUMNS.map((column) => newCell(column.name)));
  return row;
}

function newCell(name: string): HTMLElement {
  const cell = element("div", name);
  cell.role = "cell";
  return cell;
}
