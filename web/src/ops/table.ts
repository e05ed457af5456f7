/** A table whose text is changed in place, so that selection and focus survive. */

import { element, setText } from "../ui/dom.ts";

/** Counts of nothing. They are not bad, even in a row that is. */
const NONE: ReadonlySet<string> = new Set(["0", "–"]);

export interface Column {
  readonly label: string;
  readonly kind: "text" | "number";
}

export interface Row {
  readonly cells: readonly string[];
  readonly mark?: "bad" | "quiet" | undefined;
}

export class Table {
  readonly element = element("table", "facts");
  readonly #columns: readonly Column[];
  readonly #body = element("tbody", "");

  /** The first cell of each row is its heading. */
  constructor(caption: string, columns: readonly Column[], testId: string) {
    this.#columns = columns;
    this.element.dataset["testid"] = testId;
    const title = element("caption", "visually-hidden");
    title.textContent = caption;
    const head = element("thead", "");
    const row = element("tr", "");
    row.append(...columns.map(heading));
    head.append(row);
    this.element.append(title, head, this.#body);
  }

  paint(rows: readonly Row[]): void {
    while (this.#body.rows.length > rows.length) {
      this.#body.lastElementChild?.remove();
    }
    for (const [index, { cells, mark }] of rows.entries()) {
      const row = this.#body.rows[index] ?? this.#body.appendChild(newRow(this.#columns));
      row.dataset["mark"] = mark ?? "";
      for (const [place, text] of cells.entries()) {
        const cell = row.cells[place] as HTMLElement;
        setText(cell, text);
        cell.classList.toggle("none", this.#columns[place]?.kind === "number" && NONE.has(text));
      }
    }
  }
}

function heading({ label, kind }: Column): HTMLElement {
  const cell = element("th", kind);
  cell.scope = "col";
  cell.textContent = label;
  return cell;
}

function newRow(columns: readonly Column[]): HTMLTableRowElement {
  const row = element("tr", "");
  row.append(
    ...columns.map(({ kind }, place) => {
      const cell = element(place === 0 ? "th" : "td", kind);
      if (place === 0) {
        cell.scope = "row";
      }
      return cell;
    }),
  );
  return row;
}
