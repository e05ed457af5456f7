/**
 * The table of the newest trades: a window that scrolls over a list, with rows only where one looks.
 *
 * At the top it shows the list as it grows. Scrolled away from the top, it holds still: it goes on showing the
 * list as it was, whatever comes in, and a button says how much that is. Back at the top it is live again.
 */

import { byId, element, setText } from "../dom.ts";
import type { Page, Panel, View } from "../page.ts";
import type { Update } from "../update.ts";
import { headerRow, Rows } from "./rows.ts";

/** Rows kept ready above and below, so that scrolling doesn't run into white. */
const OVERSCAN = 8;
/** Above this rate everything would be highlighted, which tells nothing and costs frames. */
const HIGHLIGHT_BELOW_PER_SECOND = 20;

const wholeNumber = new Intl.NumberFormat();

export class Blotter implements Panel {
  readonly #scroller = byId("table", HTMLDivElement);
  readonly #jump = byId("jump", HTMLButtonElement);
  readonly #body = element("div", "body");
  readonly #window = element("div", "window");
  readonly #rows = new Rows(this.#window);
  #rowHeight = 0;
  #viewHeight = 0;
  #live = true;
  /** What is shown, newest first: the state's list, or an earlier one of it while we hold still. */
  #shown: readonly Update[] = [];
  /** The state's count when `#shown` was its list. */
  #shownCount = 0;

  constructor({ repaint }: Page) {
    const head = element("div", "head");
    head.role = "rowgroup";
    head.append(headerRow());
    this.#body.role = "rowgroup";
    this.#window.role = "presentation";
    this.#body.append(this.#window);
    this.#scroller.append(head, this.#body);
    this.#scroller.addEventListener("scroll", repaint, { passive: true });
    this.#jump.addEventListener("click", () => {
      this.#scroller.scrollTo({ top: 0 });
      this.#scroller.focus({ preventScroll: true });
    });
    new ResizeObserver(() => {
      this.#measure();
      repaint();
    }).observe(this.#scroller);
    this.#measure();
  }

  paint({ state }: View): void {
    const scrolled = Math.max(0, this.#scroller.scrollTop);
    // What the archive recalls is no news.
    const isNews = this.#live && state.count > this.#shownCount;
    this.#live = scrolled < 1;
    if (this.#live) {
      this.#shown = state.trades;
      this.#shownCount = state.count;
    }
    const mark = isNews && this.#live && state.rate.perSecond < HIGHLIGHT_BELOW_PER_SECOND;
    this.#paintRows(scrolled, mark);
    this.#paintJump(state.count - this.#shownCount);
  }

  #paintRows(scrolled: number, mark: boolean): void {
    const first = Math.max(0, Math.floor(scrolled / this.#rowHeight) - OVERSCAN);
    const last = Math.ceil((scrolled + this.#viewHeight) / this.#rowHeight) + OVERSCAN;
    this.#rows.show(this.#shown.slice(first, last), first, mark);
    this.#window.style.transform = `translateY(${first * this.#rowHeight}px)`;
    this.#body.style.height = `${this.#shown.length * this.#rowHeight}px`;
    this.#scroller.ariaRowCount = String(this.#shown.length + 1);
    this.#scroller.hidden = this.#shown.length === 0;
  }

  #paintJump(unseen: number): void {
    this.#jump.hidden = this.#live || unseen === 0;
    setText(this.#jump, `${wholeNumber.format(unseen)} new ↑`);
  }

  /** The style sheet decides how high a row is; where it changes, the same trade stays at the top. */
  #measure(): void {
    const before = this.#rowHeight;
    this.#rowHeight = Number.parseFloat(getComputedStyle(this.#scroller).getPropertyValue("--row-height"));
    this.#viewHeight = this.#scroller.clientHeight;
    if (before > 0 && before !== this.#rowHeight) {
      this.#scroller.scrollTop *= this.#rowHeight / before;
    }
  }
}
