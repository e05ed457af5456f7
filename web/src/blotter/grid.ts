/**
 * The table in the document: it scrolls over a list of any length, with rows only where one looks, and has a row in
 * hand for those who use keys.
 */

import type { Update } from "../trade/event.ts";
import { element } from "../ui/dom.ts";
import type { Clock, Column } from "./columns.ts";
import { placeAfter, scrollFor } from "./keyboard-focus.ts";
import { Rows, rowId } from "./rows.ts";

/** Rows kept ready above and below, so that scrolling doesn't run into white. */
const OVERSCAN = 8;

/** Trades by place; undefined where one is on its way. */
export interface List {
  readonly length: number;
  slice(first: number, last: number): readonly (Update | undefined)[];
}

export interface GridListener {
  /** Something is to be painted: scrolled, resized, another row in hand. */
  readonly changed: () => void;
  readonly open: (update: Update) => void;
  /** Whether the row in hand stays so, although the table has lost the keys. */
  readonly isComingBack: () => boolean;
}

export class Grid {
  readonly #scroller: HTMLElement;
  readonly #listener: GridListener;
  readonly #head: HTMLElement;
  readonly #body = element("div", "body");
  readonly #window = element("div", "window");
  readonly #rows = new Rows(this.#window);
  #list: List = [];
  /** The place of the row in hand. */
  #hand: number | undefined;
  #rowHeight = 0;
  #viewHeight = 0;
  #headHeight = 0;
  #isPressed = false;
  /** In px. To ask the document for it in the midst of a frame would lay that out twice. */
  #scrolled = 0;

  constructor(scroller: HTMLElement, headRow: HTMLElement, footRow: HTMLElement, listener: GridListener) {
    this.#scroller = scroller;
    this.#listener = listener;
    this.#head = rowGroup("head", headRow);
    this.#body.role = "rowgroup";
    this.#window.role = "presentation";
    this.#body.append(this.#window);
    scroller.append(this.#head, this.#body, rowGroup("foot", footRow));
    scroller.addEventListener(
      "scroll",
      () => {
        this.#noteScroll();
        listener.changed();
      },
      { passive: true },
    );
    scroller.addEventListener("keydown", (event) => this.#keyed(event));
    scroller.addEventListener("focusout", ({ relatedTarget }) => this.#left(relatedTarget));
    this.#window.addEventListener("click", ({ target }) => this.#clicked(target));
    this.#window.addEventListener("pointerdown", () => {
      this.#isPressed = true;
    });
    for (const name of ["pointerup", "pointercancel"] as const) {
      document.addEventListener(name, () => this.#released());
    }
    new ResizeObserver(() => {
      this.#measure();
      listener.changed();
    }).observe(scroller);
    this.#measure();
  }

  /** Whether someone looks at certain rows, so that they must not go away. */
  get isHeld(): boolean {
    return this.#hand !== undefined || this.#scrolled >= 1;
  }

  /** Whether a row is pressed: it must still be under the pointer when that is let go, or it is no click. */
  get isPressed(): boolean {
    return this.#isPressed;
  }

  /** The places in sight, from the first to before the last. */
  get sight(): readonly [first: number, last: number] {
    return [
      Math.max(0, Math.floor(this.#scrolled / this.#rowHeight) - OVERSCAN),
      Math.ceil((this.#scrolled + this.#viewHeight) / this.#rowHeight) + OVERSCAN,
    ];
  }

  toTop(): void {
    this.#hand = undefined;
    this.#scroller.scrollTo({ top: 0 });
    this.#scrolled = 0;
  }

  focus(): void {
    this.#scroller.focus({ preventScroll: true });
  }

  /** From now on rows look like this. */
  lookLike(columns: readonly Column[], clock: Clock): void {
    this.#rows.lookLike(columns, clock);
  }

  /** How wide the columns are: in CSS's words, and the least of it in ch. */
  widen(template: string, leastCh: number, columns: number): void {
    const { style } = this.#scroller;
    style.setProperty("--columns", template);
    style.setProperty("--least-width", `calc(${leastCh}ch + ${columns - 1} * var(--gap) + 2 * var(--side))`);
  }

  /** Shows what of the list is in sight. New rows are marked when `mark`. */
  paint(list: List, mark: boolean): void {
    this.#list = list;
    const [first, last] = this.sight;
    const inHand = this.#inHand;
    this.#rows.show(list.slice(first, last), first, mark, inHand?.id);
    this.#window.style.transform = `translateY(${first * this.#rowHeight}px)`;
    this.#body.style.height = `${list.length * this.#rowHeight}px`;
    this.#scroller.ariaRowCount = String(list.length + 2);
    this.#pointAt(inHand);
  }

  show(isShown: boolean): void {
    this.#scroller.hidden = !isShown;
  }

  get #inHand(): Update | undefined {
    return this.#hand === undefined ? undefined : this.#list.slice(this.#hand, this.#hand + 1)[0];
  }

  /** Tells screen readers which row is in hand, as long as it is in the document. */
  #pointAt(update: Update | undefined): void {
    const id = update && rowId(update.id);
    if (id !== undefined && document.getElementById(id)) {
      this.#scroller.setAttribute("aria-activedescendant", id);
    } else {
      this.#scroller.removeAttribute("aria-activedescendant");
    }
  }

  #released(): void {
    if (this.#isPressed) {
      this.#isPressed = false;
      this.#listener.changed();
    }
  }

  #keyed(event: KeyboardEvent): void {
    if (event.target !== this.#scroller || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const room = this.#viewHeight - this.#headHeight;
    const page = Math.max(1, Math.floor(room / this.#rowHeight) - 1);
    const place = placeAfter(event.key, this.#hand, this.#list.length, page);
    const inHand = this.#inHand;
    if (place !== undefined) {
      this.#hand = place;
      const top = scrollFor(place * this.#rowHeight, this.#rowHeight, this.#scrolled, room);
      this.#scroller.scrollTo({ top });
      this.#noteScroll();
    } else if (event.key === "Enter" && inHand) {
      this.#listener.open(inHand);
    } else if (event.key === "Escape" && inHand) {
      this.#hand = undefined;
    } else {
      return;
    }
    event.preventDefault();
    this.#listener.changed();
  }

  /** The keys are elsewhere: let go of the row, but not for what belongs to the table. */
  #left(to: EventTarget | null): void {
    const panel = this.#scroller.closest(".panel");
    if (!((to instanceof Node && panel?.contains(to)) || this.#listener.isComingBack())) {
      this.#hand = undefined;
      this.#listener.changed();
    }
  }

  #clicked(target: EventTarget | null): void {
    const id = target instanceof Element && target.closest<HTMLElement>(".row")?.dataset["id"];
    // One who selects a piece of a row wants to copy it.
    if (id && getSelection()?.isCollapsed !== false) {
      const [first, last] = this.sight;
      const update = this.#list.slice(first, last).find((each) => each?.id === id);
      if (update) {
        this.#listener.open(update);
      }
    }
  }

  #noteScroll(): void {
    this.#scrolled = Math.max(0, this.#scroller.scrollTop);
  }

  /** The style sheet decides how high a row is; where it changes, the same trade stays at the top. */
  #measure(): void {
    const before = this.#rowHeight;
    this.#rowHeight = Number.parseFloat(getComputedStyle(this.#scroller).getPropertyValue("--row-height"));
    this.#viewHeight = this.#scroller.clientHeight;
    this.#headHeight = this.#head.offsetHeight;
    if (before > 0 && before !== this.#rowHeight) {
      this.#scroller.scrollTop *= this.#rowHeight / before;
    }
    this.#noteScroll();
  }
}

function rowGroup(name: string, row: HTMLElement): HTMLElement {
  const group = element("div", name);
  group.role = "rowgroup";
  group.append(row);
  return group;
}
