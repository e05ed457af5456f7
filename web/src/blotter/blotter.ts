/**
 * The table of all trades.
 *
 * At the top it shows trades as they arrive. While it is paused or scrolled down, has a focused row or the
 * pointer over its rows, it shows no new trades, and a button tells how many have arrived.
 */

import { type Filters, isFiltered } from "../filters/filters.ts";
import { type Range, spanOf } from "../filters/range.ts";
import type { Selection } from "../filters/selection.ts";
import type { Page, Panel, View } from "../page.ts";
import { History } from "../stream/history.ts";
import { RateMeter } from "../stream/meters.ts";
import type { State } from "../stream/state.ts";
import { parseTradeEvent } from "../trade/event.ts";
import { byId, setText } from "../ui/dom.ts";
import { numberFormat } from "../ui/format.ts";
import { loadSetting, saveSetting } from "../ui/local-storage.ts";
import { dateAndClock, sinceText } from "../ui/time-format.ts";
import { type Clock, COLUMNS } from "./columns.ts";
import { Detail } from "./detail.ts";
import { Footer } from "./footer.ts";
import { Grid, type RowSource } from "./grid.ts";
import { Header } from "./header.ts";
import {
  gridTemplate,
  isByTime,
  type Layout,
  minWidthCh,
  readLayout,
  visible,
  writeLayout,
} from "./layout.ts";
import { SortedTrades } from "./sort.ts";
import { Toolbar } from "./toolbar.ts";
import { TradeList } from "./trade-list.ts";

/** Above this rate every row would be highlighted, which is useless and costs frames. */
const HIGHLIGHT_BELOW_PER_SECOND = 20;
/** Above this rate nobody can read along, so the table refreshes only every SAMPLE_EVERY_MS. */
const SAMPLE_ABOVE_PER_SECOND = 100;
const SAMPLE_EVERY_MS = 250;
const SECOND_MS = 1000;
const LAYOUT_KEY = "columns";
const HELD: Readonly<Record<NonNullable<Grid["heldBy"]>, string>> = {
  focus: "Paused while a row has the focus. Press Esc to resume.",
  scroll: "Paused while scrolled. Scroll to the top to resume.",
  pointer: "Paused while the pointer is over the rows. Move it away to resume.",
};

/** Rows without trades, as many as a large screen shows. */
const SKELETON: RowSource = {
  length: 60,
  slice: (first, last) => Array.from({ length: Math.max(0, Math.min(60, last) - first) }),
};

const wholeNumber = numberFormat();

export class Blotter implements Panel {
  readonly #page: Page;
  readonly #status = byId("blotter-status", HTMLElement);
  readonly #jump = byId("jump", HTMLButtonElement);
  readonly #grid: Grid;
  readonly #header = new Header((change) => this.#changeLayout(change));
  readonly #footer: Footer;
  readonly #toolbar: Toolbar;
  readonly #detail: Detail;
  readonly #sorted = new SortedTrades();
  #layout = readLayout(loadSetting(LAYOUT_KEY));
  #clock: Clock = { zone: "utc", today: "" };
  #isLayoutPainted = false;
  /** What the list was started with. */
  #filters: Filters;
  #range: Range;
  #trades: TradeList;
  #rate = new RateMeter();
  #history: History | undefined;
  #startedMs = 0;
  #isPaused = false;
  #wasLive = true;
  #refreshedMs = 0;
  #sampledMs = 0;

  constructor(page: Page) {
    this.#page = page;
    this.#filters = page.address.filters;
    this.#range = page.address.range;
    this.#trades = this.#newTradeList();
    this.#footer = new Footer(page.address, () => this.#trades.retry());
    this.#detail = new Detail(page, {
      find: (id, step) => this.#grid.find(id, step),
      moved: (id) => this.#grid.focusOn(id),
    });
    this.#grid = new Grid(byId("table", HTMLDivElement), this.#header.row, this.#footer.row, {
      changed: page.repaint,
      open: (id) => page.address.open({ kind: "trade", id }),
      keepsFocus: () => this.#detail.isOpen,
    });
    this.#toolbar = new Toolbar({
      pause: () => (this.#isPaused ? this.#resume() : this.#pause()),
      change: (change) => this.#changeLayout(change),
    });
    this.#jump.addEventListener("click", () => {
      this.#resume();
      this.#grid.focus();
    });
    page.state.onFresh((fresh) => this.#trades.add(fresh));
    page.state.onBackfill((backfilled) => this.#trades.backfill(backfilled));
  }

  paint(view: View): void {
    const { state, filters, nowMs } = view;
    if (filters !== this.#filters || view.range !== this.#range) {
      this.#start(view);
    }
    if (state.connection.phase === "live") {
      this.#history?.setEnd(Math.max(this.#startedMs, state.connection.sinceMs));
    }
    this.#trades.isBackfilled ||= state.isBackfilled && !this.#history;
    this.#measure(nowMs);
    this.#paintLayout(view);
    this.#paintTable(view);
    this.#paintStatus(view);
    this.#detail.paint(view);
  }

  /** Filters or range have changed: starts over with a new list. */
  #start({ filters, range }: View): void {
    this.#filters = filters;
    this.#range = range;
    this.#history?.stop();
    this.#history = undefined;
    this.#trades = this.#newTradeList();
    this.#rate = new RateMeter();
    this.#grid.toTop();
  }

  #newTradeList(): TradeList {
    const { queryArchive, timing, state, repaint, serverNow } = this.#page;
    const [filters, range] = [this.#filters, this.#range];
    const selection = (): Selection => ({ filters, span: spanOf(range, serverNow()) });
    const list = new TradeList({ queryArchive, timing, changed: repaint }, selection, state.trades);
    // The latest trades of all are loaded once, for every list.
    if (isFiltered(filters) || selection().span.untilMs !== undefined) {
      this.#startedMs = serverNow();
      this.#history = new History(timing, queryArchive, selection(), {
        received: (messages) => {
          list.backfill(messages.map(parseTradeEvent).filter((trade) => trade !== undefined));
          list.isBackfilled = true;
          repaint();
        },
        failed: repaint,
      });
      this.#history.start();
    }
    return list;
  }

  #pause(): void {
    this.#isPaused = true;
    this.#page.repaint();
  }

  /** Shows the trades that have arrived meanwhile. */
  #resume(): void {
    this.#isPaused = false;
    this.#refreshedMs = 0;
    this.#grid.toTop();
    this.#page.repaint();
  }

  #changeLayout(change: (layout: Layout) => Layout): void {
    this.#layout = change(this.#layout);
    this.#isLayoutPainted = false;
    saveSetting(LAYOUT_KEY, writeLayout(this.#layout));
    this.#page.repaint();
  }

  get #isSampled(): boolean {
    return this.#rate.perSecond > SAMPLE_ABOVE_PER_SECOND;
  }

  #measure(nowMs: number): void {
    if (nowMs - this.#sampledMs >= SECOND_MS) {
      this.#sampledMs = nowMs;
      this.#rate.sample(nowMs, this.#trades.matched);
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
    this.#grid.setWidths(gridTemplate(this.#layout), minWidthCh(this.#layout), columns.length);
    this.#grid.setColumns(columns, this.#clock);
    this.#header.setColumns(columns, this.#clock);
    this.#header.paintSort(this.#layout);
    this.#toolbar.paintLayout(this.#layout, this.#clock);
  }

  /** Whether trades may be on their way that are older than the page. */
  #isLoading({ isBackfillFailing }: State): boolean {
    const { endStatus } = this.#trades;
    return endStatus === "more" || (endStatus === "loading" && !isBackfillFailing);
  }

  #paintTable({ state, nowMs, rangeLabel, range }: View): void {
    const isHeld =
      this.#isPaused || this.#grid.heldBy !== undefined || this.#grid.isPressed || this.#detail.isOpen;
    // If the filters change during a pause, the new trades are shown once and then held.
    const isLive = !isHeld || this.#trades.needsRefresh;
    const intervalMs = this.#isSampled ? SAMPLE_EVERY_MS : 0;
    // Held-back trades and backfilled ones are not new.
    const isNew =
      this.#wasLive && this.#trades.pending > 0 && this.#rate.perSecond < HIGHLIGHT_BELOW_PER_SECOND;
    this.#wasLive = isLive;
    if (isLive && Math.abs(nowMs - this.#refreshedMs) >= intervalMs) {
      this.#refreshedMs = nowMs;
      this.#trades.refresh();
    }
    const [first, last] = this.#grid.visibleRange;
    const isTimeOrder = isByTime(this.#layout);
    if (isTimeOrder) {
      this.#trades.setVisibleRange(first, last);
    }
    const list = isTimeOrder ? this.#trades : this.#sorted.of(this.#trades, this.#layout.sort);
    const filtered = isFiltered(this.#filters);
    const isLoading = list.length === 0 && this.#isLoading(state);
    this.#grid.show(isLoading || list.length > 0 || filtered || state.trades.length > 0, isLoading);
    this.#grid.markDays(isTimeOrder);
    this.#grid.paint(isLoading ? SKELETON : list, isNew && isLive);
    this.#footer.paint({
      status: isTimeOrder ? this.#trades.endStatus : "sorted",
      rows: list.length,
      isFiltered: filtered,
      rangeLabel,
      mayGrow: spanOf(range, nowMs).untilMs === undefined,
      rowIndex: list.length + 2,
    });
  }

  #paintStatus(view: View): void {
    const { pending } = this.#trades;
    const { heldBy } = this.#grid;
    const isHeld = this.#isPaused || heldBy !== undefined;
    this.#jump.hidden = !isHeld || pending === 0;
    setText(this.#jump, `${wholeNumber.format(pending)} new ↑`);
    this.#toolbar.paintPause(this.#isPaused);
    this.#toolbar.paintExports({ filters: this.#filters, span: spanOf(this.#range, this.#page.serverNow()) });
    setText(this.#status, this.#statusText(heldBy, view));
  }

  #statusText(heldBy: Grid["heldBy"], { state: { connection }, stalled, nowMs, zone }: View): string {
    if (this.#isPaused) {
      return "Paused. Press Space or the button to resume.";
    }
    if (!isByTime(this.#layout)) {
      const { label } = COLUMNS.find(({ name }) => name === this.#layout.sort.by) ?? { label: () => "" };
      const mixed = isMixed(this.#layout, this.#filters)
        ? " Amounts of different currencies are mixed: filter by one."
        : "";
      return `Sorted by ${label(this.#clock)}, loaded trades only.${mixed} Sort by time to see the whole archive.`;
    }
    if (heldBy) {
      return HELD[heldBy];
    }
    if (connection.phase !== "live") {
      const { silentSinceMs } = connection;
      const since = silentSinceMs === undefined ? "" : ` since ${sinceText(silentSinceMs, nowMs, zone)}`;
      return `Disconnected${since}. Missed trades are filled in after reconnecting.`;
    }
    if (stalled !== undefined) {
      return "Stalled: no new trades arrive. They wait in the queue, and appear when a live processor runs.";
    }
    return this.#isSampled
      ? "Too fast to read: the list is updated four times a second. Counts and exports are exact."
      : `Newest first, as they arrive. Times are ${this.#clock.zone === "utc" ? "UTC" : "local"}.`;
  }
}

/** Whether the rows are in the order of amounts whose currencies differ. */
function isMixed({ sort: { by } }: Layout, { from, to }: Filters): boolean {
  return (
    (by === "sell" && from === "") ||
    (by === "buy" && to === "") ||
    (by === "rate" && (from === "" || to === ""))
  );
}
