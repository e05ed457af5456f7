/**
 * The table of all trades: a window that scrolls over a list, with rows only where one looks.
 *
 * At the top it shows trades as they come. While it is paused, scrolled away from the top, or has a row in hand, it
 * holds still whatever comes in, and a button says how much that is.
 */

import { isFiltered, sameFilters } from "../filters/filters.ts";
import type { Page, Panel, View } from "../page.ts";
import { History } from "../stream/history.ts";
import { RateMeter } from "../stream/meters.ts";
import { parseUpdate } from "../trade/event.ts";
import { byId, setText } from "../ui/dom.ts";
import { remember, remembered } from "../ui/local-storage.ts";
import { dateAndClock } from "../ui/time-format.ts";
import { type Clock, COLUMNS } from "./columns.ts";
import { Detail } from "./detail.ts";
import { Foot } from "./footer.ts";
import { Grid } from "./grid.ts";
import { Heads } from "./header.ts";
import { isByTime, type Layout, leastCh, readLayout, template, visible, writeLayout } from "./layout.ts";
import { Sorted } from "./sort.ts";
import { Tools } from "./toolbar.ts";
import { Tape } from "./trade-list.ts";

/** Above this rate everything would be highlighted, which tells nothing and costs frames. */
const HIGHLIGHT_BELOW_PER_SECOND = 20;
/** Above this one nobody can read along: then the table shows a sample of what passes, so many times a second. */
const SAMPLE_ABOVE_PER_SECOND = 100;
const SAMPLE_EVERY_MS = 250;
const SECOND_MS = 1000;
const LAYOUT_KEY = "columns";

const wholeNumber = new Intl.NumberFormat();

export class Blotter implements Panel {
  readonly #page: Page;
  readonly #says = byId("blotter-says", HTMLElement);
  readonly #jump = byId("jump", HTMLButtonElement);
  readonly #grid: Grid;
  readonly #heads = new Heads((change) => this.#changeLayout(change));
  readonly #foot = new Foot(() => this.#tape.retry());
  readonly #tools: Tools;
  readonly #detail: Detail;
  readonly #sorted = new Sorted();
  #layout = readLayout(remembered(LAYOUT_KEY));
  #clock: Clock = { zone: "utc", today: "" };
  #isLayoutPainted = false;
  #tape: Tape;
  #rate = new RateMeter();
  #history: History | undefined;
  #startedMs = 0;
  #isPaused = false;
  #wasLive = true;
  #renewedMs = 0;
  #sampledMs = 0;

  constructor(page: Page) {
    this.#page = page;
    this.#tape = this.#newTape();
    this.#detail = new Detail(page);
    this.#grid = new Grid(byId("table", HTMLDivElement), this.#heads.row, this.#foot.row, {
      changed: page.repaint,
      open: (update) => this.#detail.open(update),
      isComingBack: () => this.#detail.isOpen,
    });
    this.#tools = new Tools({
      pause: () => (this.#isPaused ? this.#resume() : this.#pause()),
      change: (change) => this.#changeLayout(change),
    });
    this.#jump.addEventListener("click", () => {
      this.#resume();
      this.#grid.focus();
    });
    page.state.onFresh((fresh) => this.#tape.add(fresh));
    page.state.onRecalled((recalled) => this.#tape.recall(recalled));
  }

  paint(view: View): void {
    const { state, filters, nowMs } = view;
    if (!sameFilters(filters, this.#tape.filters)) {
      this.#start();
    }
    if (state.connection.phase === "live") {
      this.#history?.endsAt(Math.max(this.#startedMs, state.connection.sinceMs));
    }
    this.#tape.isRecalled ||= state.recalled && !this.#history;
    this.#measure(nowMs);
    this.#paintLayout(view);
    this.#paintTable(nowMs);
    this.#paintWords(state.connection.phase === "live");
    this.#detail.paint(view.zone);
  }

  /** Other filters: another tape, from its beginning. */
  #start(): void {
    this.#history?.stop();
    this.#history = undefined;
    this.#tape = this.#newTape();
    this.#rate = new RateMeter();
    this.#grid.toTop();
  }

  #newTape(): Tape {
    const { ask, timing, state, repaint } = this.#page;
    const { filters } = this.#page.address;
    const tape = new Tape({ ask, timing, changed: repaint }, filters, state.trades);
    if (isFiltered(filters)) {
      this.#startedMs = state.clock.at(timing.now());
      this.#history = new History(timing, ask, filters, (messages) => {
        tape.recall(messages.map(parseUpdate).filter((update) => update !== undefined));
        tape.isRecalled = true;
        repaint();
      });
      this.#history.start();
    }
    return tape;
  }

  #pause(): void {
    this.#isPaused = true;
    this.#page.repaint();
  }

  /** Shows what came meanwhile. */
  #resume(): void {
    this.#isPaused = false;
    this.#renewedMs = 0;
    this.#grid.toTop();
    this.#page.repaint();
  }

  #changeLayout(change: (layout: Layout) => Layout): void {
    this.#layout = change(this.#layout);
    this.#isLayoutPainted = false;
    remember(LAYOUT_KEY, writeLayout(this.#layout));
    this.#page.repaint();
  }

  get #isSampled(): boolean {
    return this.#rate.perSecond > SAMPLE_ABOVE_PER_SECOND;
  }

  #measure(nowMs: number): void {
    if (nowMs - this.#sampledMs >= SECOND_MS) {
      this.#sampledMs = nowMs;
      this.#rate.sample(nowMs, this.#tape.matched);
    }
  }

  #paintLayout({ zone, nowMs }: View): void {
    const today = dateAndClock(nowMs, zone).slice(0, "2026-11-24".length);
    if (this.#isLayoutPainted && zone === this.#clock.zone && today === this.#clock.today) {
      return;
    }
    this.#isLayoutPainted = true;
    this.#clock = { zone, today };
    const names = visible(this.#layout);
    const columns = COLUMNS.filter(({ name }) => names.includes(name));
    this.#grid.widen(template(this.#layout), leastCh(this.#layout), columns.length);
    this.#grid.lookLike(columns, this.#clock);
    this.#heads.lookLike(columns, this.#clock);
    this.#heads.paintSort(this.#layout);
    this.#tools.paintLayout(this.#layout, this.#clock);
  }

  #paintTable(nowMs: number): void {
    const isHeld = this.#isPaused || this.#grid.isHeld || this.#grid.isPressed;
    // One who has paused and asks for other trades is shown these once, and holds them.
    const isLive = !isHeld || this.#tape.isDue;
    const wait = this.#isSampled ? SAMPLE_EVERY_MS : 0;
    // What was held back, and what the archive recalls, is no news.
    const isNews =
      this.#wasLive && this.#tape.unseen > 0 && this.#rate.perSecond < HIGHLIGHT_BELOW_PER_SECOND;
    this.#wasLive = isLive;
    if (isLive && Math.abs(nowMs - this.#renewedMs) >= wait) {
      this.#renewedMs = nowMs;
      this.#tape.renew();
    }
    const [first, last] = this.#grid.sight;
    const isTapeShown = isByTime(this.#layout);
    if (isTapeShown) {
      this.#tape.look(first, last);
    }
    const list = isTapeShown ? this.#tape : this.#sorted.of(this.#tape, this.#layout.sort);
    const filtered = isFiltered(this.#tape.filters);
    this.#grid.show(list.length > 0 || filtered);
    this.#grid.paint(list, isNews && isLive);
    this.#foot.paint({
      below: isTapeShown ? this.#tape.below : "sorted",
      rows: list.length,
      isFiltered: filtered,
      rowIndex: list.length + 2,
    });
  }

  #paintWords(isConnected: boolean): void {
    const { unseen } = this.#tape;
    const isHeld = this.#isPaused || this.#grid.isHeld;
    this.#jump.hidden = !isHeld || unseen === 0;
    setText(this.#jump, `${wholeNumber.format(unseen)} new ↑`);
    this.#tools.paintPause(this.#isPaused);
    this.#tools.paintFilters(this.#tape.filters);
    setText(this.#says, this.#words(isHeld, isConnected));
  }

  #words(isHeld: boolean, isConnected: boolean): string {
    if (this.#isPaused) {
      return "Paused: the view holds still. Space, or the button, goes on.";
    }
    if (!isByTime(this.#layout)) {
      const { label } = COLUMNS.find(({ name }) => name === this.#layout.sort.by) ?? { label: () => "" };
      return `Sorted by ${label(this.#clock)}: the trades that are loaded, not all. By time the list goes on into the archive.`;
    }
    if (isHeld) {
      return "Holds still while you look. At the top it goes on.";
    }
    if (!isConnected) {
      return "Without a connection nothing new comes. Once it is back, what was missed is filled in.";
    }
    return this.#isSampled
      ? "Faster than anyone can read: a sample is shown, four times a second. Counts and export stay exact."
      : "Newest first, as they come.";
  }
}
