/**
 * The table's DOM: a scrolling container for a list of any length that renders only visible rows, with
 * keyboard focus on one row.
 */

import { tradePath } from "../filters/dialog.ts";
import type { TradeEvent } from "../trade/event.ts";
import { element } from "../ui/dom.ts";
import { hintOverflow } from "../ui/overflow-hint.ts";
import type { Clock, Column } from "./columns.ts";
import { nextRow, scrollToShow } from "./keyboard-focus.ts";
import { Rows, rowId } from "./rows.ts";

/** Rows rendered above and below the visible ones, so that scrolling shows no blank area. */
const OVERSCAN = 8;

/** Trades by row index; undefined while a trade is being loaded. */
export interface RowSource {
  readonly length: number;
  slice(first: number, last: number): readonly (TradeEvent | undefined)[];
}

export interface GridListener {
  /** Called when something is to be painted: scrolled, resized, or another row focused. */
  readonly changed: () => void;
  readonly open: (id: string) => void;
  /** Tells whether the focused row is kept although the table lost the keyboard focus. */
  readonly keepsFocus: () => boolean;
}

export class Grid {
  readonly #scroller: HTMLElement;
  readonly #listener: GridListener;
  readonly #header: HTMLElement;
  readonly #body = element("div", "body");
  readonly #window = element("div", "window");
  readonly #rows = new Rows(this.#window);
  #list: RowSource = [];
  /** Index of the focused row. */
  #focusedRow: number | undefined;
  #foundRow = 0;
  #rowHeight = 0;
  #viewHeight = 0;
  #headerHeight = 0;
  #isPressed = false;
  #isHovered = false;
  /** In px. Reading it from the document during a frame would force a second layout. */
  #scrolled = 0;

  constructor(scroller: HTMLElement, headerRow: HTMLElement, footerRow: HTMLElement, listener: GridListener) {
    this.#scroller = scroller;
    this.#listener = listener;
    this.#header = rowGroup("header sticky-header", headerRow);
    this.#body.role = "rowgroup";
    this.#window.role = "presentation";
    this.#body.append(this.#window);
    scroller.append(this.#header, this.#body, rowGroup("footer", footerRow));
    scroller.addEventListener(
      "scroll",
      () => {
        this.#readScroll();
        listener.changed();
      },
      { passive: true },
    );
    scroller.addEventListener("keydown", (event) => this.#onKeydown(event));
    scroller.addEventListener("focusout", ({ relatedTarget }) => this.#onFocusOut(relatedTarget));
    this.#window.addEventListener("click", (event) => this.#onClick(event));
    this.#window.addEventListener("pointerdown", () => {
      this.#isPressed = true;
    });
    this.#window.addEventListener("pointerenter", ({ pointerType }) =>
      this.#onHover(pointerType !== "touch"),
    );
    this.#window.addEventListener("pointerleave", () => this.#onHover(false));
    for (const name of ["pointerup", "pointercancel"] as const) {
      document.addEventListener(name, () => this.#onPointerUp());
    }
    hintOverflow(scroller, this.#body);
    new ResizeObserver(() => {
      this.#measure();
      listener.changed();
    }).observe(scroller);
    this.#measure();
  }

  /** Why the rows must stay as they are: somebody reads them, or is about to click one. Undefined if they need not. */
  get heldBy(): "focus" | "scroll" | "pointer" | undefined {
    if (this.#focusedRow !== undefined) {
      return "focus";
    }
    if (this.#scrolled >= 1) {
      return "scroll";
    }
    return this.#isHovered ? "pointer" : undefined;
  }

  /**
   * Whether the pointer is down on a row. The row must stay under it until it is up, or there is no click.
   */
  get isPressed(): boolean {
    return this.#isPressed;
  }

  /** The range of visible rows, end exclusive. */
  get visibleRange(): readonly [first: number, last: number] {
    return [
      Math.max(0, Math.floor(this.#scrolled / this.#rowHeight) - OVERSCAN),
      Math.ceil((this.#scrolled + this.#viewHeight) / this.#rowHeight) + OVERSCAN,
    ];
  }

  toTop(): void {
    this.#focusedRow = undefined;
    this.#scroller.scrollTo({ top: 0 });
    this.#scrolled = 0;
  }

  /** Returns the trade `step` rows below the one with this id, if both are loaded. */
  find(id: string, step: number): TradeEvent | undefined {
    const row = this.#rowOf(id);
    return row === undefined || row + step < 0 ? undefined : this.#list.slice(row + step, row + step + 1)[0];
  }

  /** Moves the keyboard focus to the row of a trade, and shows it. */
  focusOn(id: string): void {
    const row = this.#rowOf(id);
    if (row !== undefined) {
      this.#moveTo(row);
      this.#listener.changed();
    }
  }

  focus(): void {
    this.#scroller.focus({ preventScroll: true });
  }

  /** Sets the columns and the time format of all rows. */
  setColumns(columns: readonly Column[], clock: Clock): void {
    this.#rows.setColumns(columns, clock);
  }

  /** Sets the column widths, as a CSS grid template, and their minimum sum in ch. */
  setWidths(template: string, minCh: number, columns: number): void {
    const { style } = this.#scroller;
    style.setProperty("--columns", template);
    style.setProperty("--min-width", `calc(${minCh}ch + ${columns - 1} * var(--gap) + 2 * var(--side))`);
  }

  /** Whether a line separates the days. In another order than by time, it would mean nothing. */
  markDays(isMarked: boolean): void {
    this.#scroller.classList.toggle("by-day", isMarked);
  }

  /** Renders the visible part of the list, with new rows highlighted if `mark`. */
  paint(list: RowSource, mark: boolean): void {
    this.#list = list;
    const [first, last] = this.visibleRange;
    const focused = this.#focusedTrade;
    this.#rows.show(list.slice(first, last), first, mark, focused?.id);
    this.#window.style.transform = `translateY(${first * this.#rowHeight}px)`;
    this.#body.style.height = `${list.length * this.#rowHeight}px`;
    this.#scroller.ariaRowCount = String(list.length + 2);
    this.#setActiveDescendant(focused);
  }

  /** Names the table for screen readers. */
  setLabel(label: string): void {
    if (this.#scroller.ariaLabel !== label) {
      this.#scroller.ariaLabel = label;
    }
  }

  show(isShown: boolean, isBusy: boolean): void {
    this.#scroller.hidden = !isShown;
    this.#scroller.ariaBusy = String(isBusy);
  }

  get #focusedTrade(): TradeEvent | undefined {
    return this.#focusedRow === undefined
      ? undefined
      : this.#list.slice(this.#focusedRow, this.#focusedRow + 1)[0];
  }

  /** Points screen readers to the focused row while it is in the document. */
  #setActiveDescendant(trade: TradeEvent | undefined): void {
    const id = trade && rowId(trade.id);
    if (id !== undefined && document.getElementById(id)) {
      this.#scroller.setAttribute("aria-activedescendant", id);
    } else {
      this.#scroller.removeAttribute("aria-activedescendant");
    }
  }

  #onHover(isHovered: boolean): void {
    this.#isHovered = isHovered;
    this.#listener.changed();
  }

  #onPointerUp(): void {
    if (this.#isPressed) {
      this.#isPressed = false;
      this.#listener.changed();
    }
  }

  #onKeydown(event: KeyboardEvent): void {
    if (event.target !== this.#scroller || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const page = Math.max(1, Math.floor((this.#viewHeight - this.#headerHeight) / this.#rowHeight) - 1);
    const row = nextRow(event.key, this.#focusedRow, this.#list.length, page);
    const focused = this.#focusedTrade;
    if (row !== undefined) {
      this.#moveTo(row);
    } else if (event.key === "Enter" && focused) {
      this.#listener.open(focused.id);
    } else if (event.key === "Escape" && focused) {
      this.#focusedRow = undefined;
    } else {
      return;
    }
    event.preventDefault();
    this.#listener.changed();
  }

  #moveTo(row: number): void {
    this.#focusedRow = row;
    const viewHeight = this.#viewHeight - this.#headerHeight;
    const top = scrollToShow(row * this.#rowHeight, this.#rowHeight, this.#scrolled, viewHeight);
    this.#scroller.scrollTo({ top });
    this.#readScroll();
  }

  /** The row of a trade. The last one found is tried first, because the list may be long. */
  #rowOf(id: string): number | undefined {
    if (this.#list.slice(this.#foundRow, this.#foundRow + 1)[0]?.id !== id) {
      this.#foundRow = this.#list.slice(0, this.#list.length).findIndex((trade) => trade?.id === id);
    }
    return this.#foundRow < 0 ? undefined : this.#foundRow;
  }

  /** Keeps the focused row if the focus stays within the panel. */
  #onFocusOut(to: EventTarget | null): void {
    const panel = this.#scroller.closest(".panel");
    if (!((to instanceof Node && panel?.contains(to)) || this.#listener.keepsFocus())) {
      this.#focusedRow = undefined;
      this.#listener.changed();
    }
  }

  #onClick({ target, ctrlKey, metaKey }: MouseEvent): void {
    const id = target instanceof Element && target.closest<HTMLElement>(".row")?.dataset["id"];
    // A click that ends a text selection is not meant to open the trade.
    if (!id || getSelection()?.isCollapsed === false) {
      return;
    }
    if (ctrlKey || metaKey) {
      open(tradePath(id));
    } else {
      this.#listener.open(id);
    }
  }

  #readScroll(): void {
    this.#scrolled = Math.max(0, this.#scroller.scrollTop);
  }

  /** The style sheet sets the row height. When it changes, the same trade stays at the top. */
  #measure(): void {
    const before = this.#rowHeight;
    this.#rowHeight = Number.parseFloat(getComputedStyle(this.#scroller).getPropertyValue("--row-height"));
    this.#viewHeight = this.#scroller.clientHeight;
    this.#headerHeight = this.#header.offsetHeight;
    if (before > 0 && before !== this.#rowHeight) {
      this.#scroller.scrollTop *= this.#rowHeight / before;
    }
    this.#readScroll();
  }
}

function rowGroup(className: string, row: HTMLElement): HTMLElement {
  const group = element("div", className);
  group.role = "rowgroup";
  group.append(row);
  return group;
}
