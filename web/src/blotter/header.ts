/**
 * The column headers. A click sorts; dragging the edge resizes.
 *
 * One header is in the Tab order, and arrow keys move to the others. Shift and an arrow key resize.
 */

import type { Order, OrderField } from "../filters/order.ts";
import { element, setText } from "../ui/dom.ts";
import type { Clock, Column } from "./columns.ts";
import { type Layout, resizeColumn } from "./layout.ts";

const KEY_STEP_CH = 1;
const ARROWS: ReadonlyMap<string, number> = new Map([
  ["ArrowLeft", -1],
  ["ArrowRight", 1],
]);

const RESIZING = "To resize this column, drag its edge or press Shift and an arrow key.";

export interface HeaderListener {
  readonly change: (change: (layout: Layout) => Layout) => void;
  /** A click: sorts by a field, or reverses its order. */
  readonly sort: (by: OrderField) => void;
}

export class Header {
  readonly row = element("div", "row");
  readonly #listener: HeaderListener;
  #columns: readonly Column[] = [];

  constructor(listener: HeaderListener) {
    this.row.role = "row";
    this.row.ariaRowIndex = "1";
    this.#listener = listener;
  }

  /** Sets the columns. */
  setColumns(columns: readonly Column[], clock: Clock): void {
    const isSame = columns.map(({ name }) => name).join() === this.#columns.map(({ name }) => name).join();
    this.#columns = columns;
    if (!isSame) {
      this.row.replaceChildren(...columns.map((column, index) => this.#cell(column, index)));
    }
    for (const [index, { label }] of columns.entries()) {
      setText(this.#button(index), label(clock));
    }
  }

  /** Marks the column that the table is sorted by. */
  paintOrder({ by, direction }: Order): void {
    for (const [index, { sortsBy }] of this.#columns.entries()) {
      const cell = this.row.children[index] as HTMLElement;
      cell.ariaSort = sortsBy === by ? direction : "none";
    }
  }

  #cell({ name, sortsBy }: Column, index: number): HTMLElement {
    const cell = element("div", name);
    cell.role = "columnheader";
    const button = element("button", "plain");
    button.type = "button";
    button.title = sortsBy ? `Sort by this column. ${RESIZING}` : RESIZING;
    button.tabIndex = index === 0 ? 0 : -1;
    if (sortsBy) {
      button.addEventListener("click", () => this.#listener.sort(sortsBy));
    }
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
      this.#listener.change((layout) => resizeColumn(layout, current, name, widthCh));
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
