/** Arrow-key navigation between the buttons of a table, which is a single Tab stop. */

const STEPS: ReadonlyMap<string, readonly [down: number, right: number]> = new Map([
  ["ArrowUp", [-1, 0]],
  ["ArrowDown", [1, 0]],
  ["ArrowLeft", [0, -1]],
  ["ArrowRight", [0, 1]],
]);

export class ArrowKeys {
  readonly #body: HTMLTableSectionElement;
  /** The button that is the Tab stop: the one focused last. All others have a `tabIndex` of -1. */
  #entry: HTMLButtonElement | undefined;

  constructor(body: HTMLTableSectionElement) {
    this.#body = body;
    body.addEventListener("keydown", (event) => {
      const step = STEPS.get(event.key);
      const cell = event.target instanceof Element ? event.target.closest("td, th") : undefined;
      const next = step && cell instanceof HTMLTableCellElement && this.#neighbour(cell, step);
      if (next) {
        event.preventDefault();
        next.focus();
      }
    });
    body.addEventListener("focusin", ({ target }) => {
      if (target instanceof HTMLButtonElement) {
        this.#setEntry(target);
      }
    });
  }

  /** Call when the table has changed: ensures that it has a Tab stop. */
  refresh(): void {
    const first = this.#body.querySelector("button");
    if (first && !(this.#entry && this.#body.contains(this.#entry))) {
      this.#setEntry(first);
    }
  }

  #setEntry(entry: HTMLButtonElement): void {
    if (this.#entry) {
      this.#entry.tabIndex = -1;
    }
    entry.tabIndex = 0;
    this.#entry = entry;
  }

  /** The next button in a direction. Cells without a button are skipped. */
  #neighbour(
    cell: HTMLTableCellElement,
    [down, right]: readonly [number, number],
  ): HTMLButtonElement | undefined {
    const rows = [...this.#body.rows];
    let row = rows.findIndex((each) => each.contains(cell));
    let column = cell.cellIndex;
    let found: HTMLButtonElement | null | undefined;
    do {
      row += down;
      column += right;
      found = rows[row]?.cells[column]?.querySelector("button");
    } while (found === null);
    return found;
  }
}
