/** The table's last row: whether there are more trades, or why they can't be shown. */

import type { Address } from "../filters/address.ts";
import { type Limit, limitOf, widening } from "../filters/widen.ts";
import { element, setText } from "../ui/dom.ts";
import type { EndStatus } from "./pages.ts";

export interface FooterState {
  readonly status: EndStatus;
  /** Whether the rows are newest first. */
  readonly isNewestFirst: boolean;
  /** Whether the range has too many trades to sort, so that the oldest are left out. */
  readonly isPartial: boolean;
  readonly rows: number;
  readonly isFiltered: boolean;
  /** Such as `in the last hour`. Empty if the list has no bounds in time. */
  readonly rangeLabel: string;
  /** If the range begins before the trades that are kept: since when they are, such as `2026-01-01 00:00:00 UTC`. */
  readonly keptSince: string | undefined;
  /** Whether new trades may belong into the list. */
  readonly mayGrow: boolean;
  /** The footer's own row index, counted from 1. */
  readonly rowIndex: number;
}

export class Footer {
  readonly row = element("div", "row end");
  readonly #text = element("span", "");
  readonly #retry: HTMLButtonElement;
  readonly #widen: HTMLButtonElement;
  readonly #address: Address;
  #limit: Limit | undefined;

  constructor(address: Address, retry: () => void) {
    this.#address = address;
    const cell = element("div", "");
    cell.role = "gridcell";
    this.#retry = button("Retry", retry);
    this.#widen = button("", () => widening(address, this.#limit)?.run());
    cell.append(this.#text, this.#retry, this.#widen);
    this.row.role = "row";
    this.row.dataset["testid"] = "end";
    this.row.append(cell);
  }

  paint(state: FooterState): void {
    this.row.ariaRowIndex = String(state.rowIndex);
    this.row.dataset["status"] = state.status;
    setText(this.#text, text(state));
    this.#retry.hidden = state.status !== "failed";
    // Below the first matching trade, nobody looks for others without the filters.
    this.#limit =
      state.status === "end" ? limitOf(state.rangeLabel, state.isFiltered && state.rows === 0) : undefined;
    setText(this.#widen, widening(this.#address, this.#limit)?.label ?? "");
    this.#widen.hidden = this.#limit === undefined;
    this.row.classList.toggle("alone", state.rows === 0);
  }
}

function button(label: string, run: () => void): HTMLButtonElement {
  const made = element("button", "");
  made.type = "button";
  setText(made, label);
  made.addEventListener("click", run);
  return made;
}

function text(state: FooterState): string {
  const { status, isNewestFirst, rows } = state;
  switch (status) {
    case "end":
      return rows === 0 ? emptyText(state) : endText(state);
    case "failed":
      return isNewestFirst ? "Older trades can’t be loaded." : "The trades can’t be loaded.";
    case "full":
      return "The list ends here. Use filters or an export to go further back.";
    default:
      return rows === 0 ? "Searching for matching trades…" : "Loading more trades…";
  }
}

function emptyText({ isFiltered, rangeLabel, mayGrow, keptSince }: FooterState): string {
  const empty = sentence(isFiltered ? "No trade matches these filters" : "No trades", rangeLabel);
  const none = keptSince === undefined ? empty : `${empty} Trades are kept since ${keptSince}.`;
  return mayGrow ? `${none} New ones appear here at once.` : none;
}

function endText({ isNewestFirst, isPartial, isFiltered, rangeLabel, keptSince }: FooterState): string {
  if (isPartial) {
    return "The list ends here. Use a shorter time range or more filters to sort older trades, too.";
  }
  if (!isNewestFirst) {
    return "The list ends here.";
  }
  if (keptSince !== undefined) {
    return `The list ends here. Trades are kept since ${keptSince}.`;
  }
  return sentence(isFiltered ? "This is the first matching trade" : "This is the first trade", rangeLabel);
}

function sentence(start: string, rangeLabel: string): string {
  return `${start} ${rangeLabel}`.trim().concat(".");
}
