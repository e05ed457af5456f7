/** The table's last row: whether there are more trades, or why they can't be shown. */

import { element, setText } from "../ui/dom.ts";
import type { EndStatus } from "./pages.ts";

export interface FooterState {
  /** `sorted`: another order than by time, in which nothing more is loaded. */
  readonly status: EndStatus | "sorted";
  readonly rows: number;
  readonly isFiltered: boolean;
  /** The footer's own row index, counted from 1. */
  readonly rowIndex: number;
}

export class Footer {
  readonly row = element("div", "row end");
  readonly #text = element("span", "");
  readonly #retry = element("button", "");

  constructor(retry: () => void) {
    const cell = element("div", "");
    cell.role = "gridcell";
    setText(this.#retry, "Retry");
    this.#retry.type = "button";
    this.#retry.addEventListener("click", retry);
    cell.append(this.#text, this.#retry);
    this.row.role = "row";
    this.row.dataset["testid"] = "end";
    this.row.append(cell);
  }

  paint(state: FooterState): void {
    this.row.ariaRowIndex = String(state.rowIndex);
    this.row.dataset["status"] = state.status;
    setText(this.#text, text(state));
    this.#retry.hidden = state.status !== "failed";
  }
}

function text({ status, rows, isFiltered }: FooterState): string {
  switch (status) {
    case "end":
      if (rows === 0) {
        return "No trade matches these filters yet. New matches appear here at once.";
      }
      return isFiltered ? "This is the first matching trade." : "This is the first trade.";
    case "failed":
      return "Older trades can’t be loaded.";
    case "full":
      return "The list ends here. Use filters or an export to go further back.";
    case "sorted":
      return "Only loaded trades are listed.";
    default:
      return rows === 0 ? "Searching for matching trades…" : "Loading older trades…";
  }
}
