/**
 * The table of all trades.
 *
 * At the top it shows trades as they arrive. While it is paused or scrolled down, has a focused row or the
 * pointer over its rows, it shows no new trades, and a button tells how many have arrived. In another order than
 * newest first, it never adds new trades by itself, because each may belong anywhere.
 */

import { type Filters, isFiltered } from "../filters/filters.ts";
import { listedOrder, NEWEST_FIRST, type Order, sameOrder, toggleOrder } from "../filters/order.ts";
import { type Range, spanOf } from "../filters/range.ts";
import type { Selection } from "../filters/selection.ts";
import type { Page, Panel, View } from "../page.ts";
import { History } from "../stream/history.ts";
import { RateMeter } from "../stream/meters.ts";
import type { State } from "../stream/state.ts";
import { parseTradeEvent } from "../trade/event.ts";
import { byId, setText } from "../ui/dom.ts";
import { loadSetting, saveSetting } from "../ui/local-storage.ts";
import { dateAndClock } from "../ui/time-format.ts";
import { type Clock, COLUMNS } from "./columns.ts";
import { CurrencyQuestion } from "./currency-question.ts";
import { Detail } from "./detail.ts";
import { Footer } from "./footer.ts";
import { Grid } from "./grid.ts";
import { Header } from "./header.ts";
import { gridTemplate, type Layout, minWidthCh, readLayout, visible, writeLayout } from "./layout.ts";
import { listStatus, waitingLabel } from "./list-status.ts";
import { directionLabel, orderLabel } from "./order-labels.ts";
import { SKELETON } from "./skeleton.ts";
import { SortedTrades } from "./sorted-trades.ts";
import { Toolbar } from "./toolbar.ts";
import { TradeList } from "./trade-list.ts";

/** Above this rate every row would be highlighted, which is useless and costs frames. */
const HIGHLIGHT_BELOW_PER_SECOND = 20;
/** Above this rate nobody can read along, so the table refreshes only every SAMPLE_EVERY_MS. */
const SAMPLE_ABOVE_PER_SECOND = 100;
const SAMPLE_EVERY_MS = 250;
const SECOND_MS = 1000;
const LAYOUT_KEY = "columns";

export class Blotter implements Panel {
  readonly #page: Page;
  readonly #status = byId("blotter-status", HTMLElement);
  readonly #jump = byId("jump", HTMLButtonElement);
  readonly #grid: Grid;
  readonly #header: Header;
  readonly #footer: Footer;
  readonly #toolbar: Toolbar;
  readonly #detail: Detail;
  readonly #question: CurrencyQuestion;
  #layout = readLayout(loadSetting(LAYOUT_KEY));
  #clock: Clock = { zone: "utc", today: "" };
  #isLayoutPainted = false;
  /** What the list was started with. */
  #filters: Filters;
  #range: Range;
  #order: Order;
  #trades: TradeList;
  /** Undefined if the newest trades are listed first. */
  #sorted: SortedTrades | undefined;
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
    this.#order = listedOrder(page.address.order, this.#filters);
    this.#trades = this.#newTradeList();
    this.#sorted = this.#newSortedTrades();
    this.#question = new CurrencyQuestion(page.address);
    this.#header = new Header({
      change: (change) => this.#changeLayout(change),
      sort: (by) => this.#sort(toggleOrder(page.address.order, by)),
    });
    this.#footer = new Footer(page.address, () => this.#list.retry());
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
      sort: (order) => this.#sort(order),
    });
    this.#jump.addEventListener("click", () => {
      this.#resume();
      this.#grid.focus();
    });
    page.state.onFresh((fresh) => {
      this.#trades.add(fresh);
      this.#sorted?.add(fresh);
    });
    page.state.onBackfill((backfilled) => this.#trades.backfill(backfilled));
  }

  paint(view: View): void {
    const { state, filters, nowMs } = view;
    if (filters !== this.#filters || view.range !== this.#range) {
      this.#start(view);
    }
    const order = listedOrder(view.order, filters);
    if (!sameOrder(order, this.#order)) {
      this.#order = order;
      this.#restartOrder();
    }
    if (state.connection.phase === "live") {
      this.#history?.setEnd(Math.max(this.#startedMs, state.connection.sinceMs));
    }
    this.#trades.isBackfilled ||= state.isBackfilled && !this.#history;
    this.#measure(nowMs);
    this.#question.paint(view);
    this.#paintLayout(view);
    this.#header.paintOrder(this.#order);
    this.#toolbar.paintOrder(view.order);
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
    this.#restartOrder();
  }

  /** Begins at the top of the present order, with the trades of now. */
  #restartOrder(): void {
    this.#sorted = this.#newSortedTrades();
    this.#refreshedMs = 0;
    this.#grid.toTop();
  }

  #newSortedTrades(): SortedTrades | undefined {
    if (sameOrder(this.#order, NEWEST_FIRST)) {
      return;
    }
    const { queryArchive, timing, state, repaint, serverNow } = this.#page;
    const selection = { filters: this.#filters, span: spanOf(this.#range, serverNow()) };
    return new SortedTrades(
      { queryArchive, timing, changed: repaint },
      this.#order,
      selection,
      () => state.trades,
    );
  }

  /** What the table lists. */
  get #list(): TradeList | SortedTrades {
    return this.#sorted ?? this.#trades;
  }

  #sort(order: Order): void {
    this.#question.expect();
    this.#page.address.setOrder(order);
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
    this.#restartOrder();
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
    this.#toolbar.paintLayout(this.#layout, this.#clock);
  }

  /** Whether trades may be on their way that are older than the page. */
  #isLoading({ isBackfillFailing }: State): boolean {
    const { endStatus } = this.#list;
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
    const list = this.#list;
    list.setVisibleRange(...this.#grid.visibleRange);
    const filtered = isFiltered(this.#filters);
    const isLoading = list.length === 0 && this.#isLoading(state);
    this.#grid.show(isLoading || list.length > 0 || filtered || state.trades.length > 0, isLoading);
    this.#grid.setLabel(`Trades by ${orderLabel(this.#order.by)}, ${directionLabel(this.#order)}`);
    this.#grid.markDays(this.#order.by === "receivedAt");
    this.#grid.paint(isLoading ? SKELETON : list, isNew && isLive && !this.#sorted);
    this.#footer.paint({
      status: list.endStatus,
      isNewestFirst: this.#sorted === undefined,
      isPartial: this.#sorted?.basis !== undefined,
      rows: list.length,
      isFiltered: filtered,
      rangeLabel,
      mayGrow: !this.#sorted && spanOf(range, nowMs).untilMs === undefined,
      rowIndex: list.length + 2,
    });
  }

  #paintStatus({ state: { connection }, stalled, nowMs }: View): void {
    const { pending } = this.#list;
    const { heldBy } = this.#grid;
    this.#jump.hidden = pending === 0 || !(this.#isPaused || heldBy || this.#sorted);
    setText(this.#jump, waitingLabel(pending, this.#sorted !== undefined));
    this.#toolbar.paintPause(this.#isPaused);
    this.#toolbar.paintExports({ filters: this.#filters, span: spanOf(this.#range, this.#page.serverNow()) });
    const list = {
      sorted: this.#sorted,
      isPaused: this.#isPaused,
      heldBy,
      connection,
      isStalled: stalled !== undefined,
      isSampled: this.#isSampled,
      nowMs,
      zone: this.#clock.zone,
    };
    setText(this.#status, listStatus(list));
  }
}
