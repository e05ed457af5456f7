/** The table's last row: whether there is more, and what keeps it. */

import { element, setText } from "../ui/dom.ts";
import type { Below } from "./pages.ts";

/** What the last row is about. */
export interface Situation {
  /** In another order than by time, what is loaded is all there is. */
  readonly below: Below | "sorted";
  readonly rows: number;
  readonly isFiltered: boolean;
  /** The place that is the row's own, counted from 1. */
  readonly rowIndex: number;
}

export class Foot {
  readonly row = element("div", "row end");
  readonly #words = element("span", "");
  readonly #retry = element("button", "");

  constructor(retry: () => void) {
    const cell = element("div", "");
    cell.role = "gridcell";
    setText(this.#retry, "Retry");
    this.#retry.type = "button";
    this.#retry.addEventListener("click", retry);
    cell.append(this.#words, this.#retry);
    this.row.role = "row";
    this.row.dataset["testid"] = "end";
    this.row.append(cell);
  }

  paint(situation: Situation): void {
    this.row.ariaRowIndex = String(situation.rowIndex);
    this.row.dataset["below"] = situation.below;
    setText(this.#words, words(situation));
    this.#retry.hidden = situation.below !== "failed";
  }
}

function words({ below, rows, isFiltered }: Situation): string {
  switch (below) {
    case "end":
      if (rows === 0) {
        return "No trade matches these filters yet. The next one that does appears here at once.";
      }
      return isFiltered ? "This is the first message that matches." : "This is the first message.";
    case "failed":
      return "Older trades can’t be had now.";
    case "full":
      return "A page shows no more than this. Filters lead further back, and so does an export.";
    case "sorted":
      return "That is all that is loaded.";
    default:
      return rows === 0 ? "Looking for trades that match…" : "Loading older trades…";
  }
}
