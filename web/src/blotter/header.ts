/**
 * The column headers. A click sorts; dragging the edge resizes.
 *
 * One header is in the Tab order, and arrow keys move to the others. Shift and an arrow key resize.
 */

import { element, setText } from "../ui/dom.ts";
import type { Clock, Column } from "./columns.ts";
import { type ColumnName, type Layout, resizeColumn, toggleSort } from "./layout.ts";

const KEY_STEP_CH = 1;
const ARROWS: ReadonlyMap<string, number> = new Map([
  ["ArrowLeft", -1],
  ["ArrowRight", 1],
]);

export class Header {
  readonly row = element("div", "row");
  readonly #change: (change: (layout: Layout) => Layout) => void;
  #columns: readonly Column[] = [];

  constructor(change: (change: (layout: Layout) => Layout) => void) {
    this.row.role = "row";
    this.row.ariaRowIndex = "1";
    this.#change = change;
  }

  /** Sets the columns. */
  setColumns(columns: readonly Column[], clock: Clock): void {
    const isSame = columns.map(({ name }) => name).join() === this.#columns.map(({ name }) => name).join();
    this.#columns = columns;
    if (!isSame) {
      this.row.replaceChildren(...columns.map(({ name }, index) => this.#cell(name, index)));
    }
    for (const [index, { label }] of columns.entries()) {
      setText(this.#button(index), label(clock));
    }
  }

  /** Marks the column that the table is sorted by. */
  paintSort({ sort }: Layout): void {
    for (const [index, { name }] of this.#columns.entries()) {
      const cell = this.row.children[index] as HTMLElement;
      cell.ariaSort = name === sort.by ? sort.direction : "none";
    }
  }

  #cell(name: ColumnName, index: number): HTMLElement {
    const cell = element("div", name);
    cell.role = "columnheader";
    const button = element("button", "plain");
    button.type = "button";
    button.title = "Sort by this column. To resize it, drag its edge or press Shift and an arrow key.";
    button.tabIndex = index === 0 ? 0 : -1;
    button.addEventListener("click", () => this.#change((layout) => toggleSort(layout, name)));
    button.addEventListener("keydown", (event) => this.#onKeydown(event, index));
    const handle = element("span", "resize-handle");
    handle.addEventListener("pointerdown", (event) => this.#onDrag(event, handle, index));
    cell.append(button, handle);
    return cell;
  }

  #onKeydown(event: KeyboardEvent, index: number): void {
    const step = ARROWS.get(event.key);
    if (step === undefined) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    if (event.shiftKey) {
      const current = this.#currentWidths();
      this.#resize(index, current, (this.#widthOf(index, current) ?? 0) + step * KEY_STEP_CH);
      return;
    }
    const to = Math.min(this.#columns.length - 1, Math.max(0, index + step));
    for (const column of this.#columns.keys()) {
      this.#button(column).tabIndex = column === to ? 0 : -1;
    }
    this.#button(to).focus();
  }

  #onDrag(event: PointerEvent, handle: HTMLElement, index: number): void {
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
    const current = this.#currentWidths();
    const before = this.#widthOf(index, current) ?? 0;
    const chPx = this.#measureCh();
    const move = (moved: PointerEvent): void => {
      this.#resize(index, current, before + (moved.clientX - event.clientX) / chPx);
    };
    handle.addEventListener("pointermove", move);
    handle.addEventListener("lostpointercapture", () => handle.removeEventListener("pointermove", move), {
      once: true,
    });
  }

  #resize(index: number, current: Layout["widths"], widthCh: number): void {
    const name = this.#columns[index]?.name;
    if (name) {
      this.#change((layout) => resizeColumn(layout, current, name, widthCh));
    }
  }

  #widthOf(index: number, widths: Layout["widths"]): number | undefined {
    const name = this.#columns[index]?.name;
    return name && widths[name];
  }

  /** The rendered widths in ch. */
  #currentWidths(): Layout["widths"] {
    const chPx = this.#measureCh();
    const entries = this.#columns.map(({ name }, index) => {
      const px = this.row.children[index]?.getBoundingClientRect().width ?? 0;
      return [name, Math.round((px / chPx) * 10) / 10] as const;
    });
    return Object.fromEntries(entries);
  }

  #measureCh(): number {
    const probe = element("span", "ch-probe");
    this.row.append(probe);
    const { width } = probe.getBoundingClientRect();
    probe.remove();
    return width;
  }

  #button(index: number): HTMLElement {
    return this.row.children[index]?.firstElementChild as HTMLElement;
  }
}
