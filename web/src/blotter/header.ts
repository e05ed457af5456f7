/**
 * The heads of the columns: a click sorts, the edge is dragged to resize. One of them is reached by Tab, the
 * others from there by arrow keys; with Shift these resize.
 */

import { element, setText } from "../ui/dom.ts";
import type { Clock, Column } from "./columns.ts";
import { type ColumnName, type Layout, resizeColumn, sortNext } from "./layout.ts";

const KEY_STEP_CH = 1;
const ARROWS: ReadonlyMap<string, number> = new Map([
  ["ArrowLeft", -1],
  ["ArrowRight", 1],
]);

export class Heads {
  readonly row = element("div", "row");
  readonly #change: (change: (layout: Layout) => Layout) => void;
  #columns: readonly Column[] = [];

  constructor(change: (change: (layout: Layout) => Layout) => void) {
    this.row.role = "row";
    this.row.ariaRowIndex = "1";
    this.#change = change;
  }

  /** Shows other columns. */
  lookLike(columns: readonly Column[], clock: Clock): void {
    const isSame = columns.map(({ name }) => name).join() === this.#columns.map(({ name }) => name).join();
    this.#columns = columns;
    if (!isSame) {
      this.row.replaceChildren(...columns.map(({ name }, index) => this.#cell(name, index)));
    }
    for (const [index, { label }] of columns.entries()) {
      setText(this.#button(index), label(clock));
    }
  }

  /** Shows by which column is sorted. */
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
    button.title = "Sort by this column. Drag its edge, or press Shift and an arrow key, to resize it.";
    button.tabIndex = index === 0 ? 0 : -1;
    button.addEventListener("click", () => this.#change((layout) => sortNext(layout, name)));
    button.addEventListener("keydown", (event) => this.#pressed(event, index));
    const edge = element("span", "edge");
    edge.addEventListener("pointerdown", (event) => this.#dragged(event, edge, index));
    cell.append(button, edge);
    return cell;
  }

  #pressed(event: KeyboardEvent, index: number): void {
    const step = ARROWS.get(event.key);
    if (step === undefined) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    if (event.shiftKey) {
      const present = this.#widths();
      this.#resize(index, present, (this.#widthOf(index, present) ?? 0) + step * KEY_STEP_CH);
      return;
    }
    const to = Math.min(this.#columns.length - 1, Math.max(0, index + step));
    for (const place of this.#columns.keys()) {
      this.#button(place).tabIndex = place === to ? 0 : -1;
    }
    this.#button(to).focus();
  }

  #dragged(event: PointerEvent, edge: HTMLElement, index: number): void {
    event.preventDefault();
    edge.setPointerCapture(event.pointerId);
    const present = this.#widths();
    const before = this.#widthOf(index, present) ?? 0;
    const chPx = this.#chPx();
    const move = (moved: PointerEvent): void => {
      this.#resize(index, present, before + (moved.clientX - event.clientX) / chPx);
    };
    edge.addEventListener("pointermove", move);
    edge.addEventListener("lostpointercapture", () => edge.removeEventListener("pointermove", move), {
      once: true,
    });
  }

  #resize(index: number, present: Layout["widths"], widthCh: number): void {
    const name = this.#columns[index]?.name;
    if (name) {
      this.#change((layout) => resizeColumn(layout, present, name, widthCh));
    }
  }

  #widthOf(index: number, widths: Layout["widths"]): number | undefined {
    const name = this.#columns[index]?.name;
    return name && widths[name];
  }

  /** How wide the columns are now. */
  #widths(): Layout["widths"] {
    const chPx = this.#chPx();
    const entries = this.#columns.map(({ name }, index) => {
      const px = this.row.children[index]?.getBoundingClientRect().width ?? 0;
      return [name, Math.round((px / chPx) * 10) / 10] as const;
    });
    return Object.fromEntries(entries);
  }

  #chPx(): number {
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
