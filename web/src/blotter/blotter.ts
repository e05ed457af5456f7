/**
 * The table of all trades.
 *
 * At the top it shows trades as they arrive. While it is paused or scrolled down, has a focused row or the
 * pointer over its rows, it shows no new trades, and a button tells how many have arrived.
 */

import { type Order, toggleOrder } from "../filters/order.ts";
import { spanOf } from "../filters/range.ts";
import type { Page, Panel, View } from "../page.ts";
import { hasRole } from "../server/session.ts";
import { RateMeter } from "../stream/meters.ts";
import { byId, setText } from "../ui/dom.ts";
import { loadSetting, saveSetting } from "../ui/local-storage.ts";
import type { Zone } from "../ui/preferences.ts";
import { dateAndClock, zoneName } from "../ui/time-format.ts";
import { type Clock, COLUMNS } from "./columns.ts";
import { CurrencyQuestion } from "./currency-question.ts";
import { Detail } from "./detail.ts";
import { Footer } from "./footer.ts";
import { Grid } from "./grid.ts";
import { Header } from "./header.ts";
import {
  gridTemplate,
  type Layout,
  minWidthCh,
  readLayout,
  visible,
  withoutColumns,
  writeLayout,
} from "./layout.ts";
import { listStatus, waitingLabel } from "./list-status.ts";
import { Listing } from "./listing.ts";
import { directionLabel, orderLabel } from "./order-labels.ts";
import { SKELETON } from "./skeleton.ts";
import { Toolbar } from "./toolbar.ts";
import { UsedColumns } from "./used-columns.ts";

/** Says since when trades are kept, if a list begins before that. */
function keptSince(keptMs: number | undefined, sinceMs: number | undefined, zone: Zone): string | undefined {
  if (keptMs === undefined || (sinceMs ?? 0) >= keptMs) {
    return;
  }
  return `${dateAndClock(keptMs, zone)} ${zoneName(zone)}`;
}

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
  readonly #listing: Listing;
  readonly #used = new UsedColumns();
  #layout = readLayout(loadSetting(LAYOUT_KEY));
  #clock: Clock = { zone: "utc", today: "" };
  #isLayoutPainted = false;
  #rate = new RateMeter();
  #isPaused = false;
  #wasLive = true;
  #refreshedMs = 0;
  #sampledMs = 0;

  constructor(page: Page) {
    this.#page = page;
    this.#listing = new Listing(page);
    this.#question = new CurrencyQuestion(page.address);
    this.#header = new Header({
      change: (change) => this.#changeLayout(change),
      sort: (by) => this.#sort(toggleOrder(page.address.order, by)),
    });
    this.#footer = new Footer(page.address, () => this.#listing.shown.retry());
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
  }

  paint(view: View): void {
    const change = this.#listing.follow(view);
    if (change === "selection") {
      this.#rate = new RateMeter();
    }
    if (change !== "none") {
      this.#toTop();
    }
    this.#measure(view.nowMs);
    this.#question.paint(view);
    this.#paintLayout(view);
    this.#header.paintOrder(this.#listing.order);
    this.#toolbar.paintOrder(view.order);
    this.#paintTable(view);
    this.#paintStatus(view);
    this.#detail.paint(view);
  }

  /** Shows the trades of now at once. */
  #toTop(): void {
    this.#refreshedMs = 0;
    this.#grid.toTop();
  }

  #sort(order: Order): void {
    this.#question.expect();
    this.#page.address.setOrder(order);
  }

  #pause(): void {
    this.#isPaused = true;
    this.#page.repaint();
  }

  /** Shows the trades that have arrived meanwhile. */
  #resume(): void {
    this.#isPaused = false;
    this.#listing.restartOrder();
    this.#toTop();
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
      this.#rate.sample(nowMs, this.#listing.trades.matched);
    }
  }

  #paintLayout({ zone, nowMs }: View): void {
    const today = dateAndClock(nowMs, zone).slice(0, "2026-11-24".length);
    if (this.#isLayoutPainted && zone === this.#clock.zone && today === this.#clock.today) {
      return;
    }
    this.#isLayoutPainted = true;
    this.#clock = { zone, today };
    const layout = withoutColumns(this.#layout, this.#used.unused);
    const names = visible(layout);
    const columns = COLUMNS.filter(({ name }) => names.includes(name));
    this.#grid.setWidths(gridTemplate(layout), minWidthCh(layout), columns.length);
    this.#grid.setColumns(columns, this.#clock);
    this.#header.setColumns(columns, this.#clock);
    this.#toolbar.paintLayout(this.#layout, this.#used.unused, this.#clock);
  }

  #paintTable(view: View): void {
    const { state, nowMs, rangeLabel, range } = view;
    const { trades, sorted, shown: list, order, isFiltered: filtered } = this.#listing;
    const isHeld =
      this.#isPaused || this.#grid.heldBy !== undefined || this.#grid.isPressed || this.#detail.isOpen;
    // If the filters change during a pause, the new trades are shown once and then held.
    const isLive = !(isHeld && trades.isRefreshed);
    const intervalMs = this.#isSampled ? SAMPLE_EVERY_MS : 0;
    // Held-back trades and backfilled ones are not new.
    const isNew = this.#wasLive && trades.pending > 0 && this.#rate.perSecond < HIGHLIGHT_BELOW_PER_SECOND;
    this.#wasLive = isLive;
    if (isLive && Math.abs(nowMs - this.#refreshedMs) >= intervalMs) {
      this.#refreshedMs = nowMs;
      trades.refresh();
    }
    list.setVisibleRange(...this.#grid.visibleRange);
    if (this.#used.look(list.slice(...this.#grid.visibleRange))) {
      this.#isLayoutPainted = false;
      this.#paintLayout(view);
    }
    const isLoading = list.length === 0 && this.#listing.isLoading(state);
    this.#grid.show(isLoading || list.length > 0 || filtered || state.trades.length > 0, isLoading);
    this.#grid.setLabel(`Trades by ${orderLabel(order.by)}, ${directionLabel(order)}`);
    this.#grid.markDays(order.by === "receivedAt");
    this.#grid.paint(isLoading ? SKELETON : list, isNew && isLive && !sorted);
    this.#footer.paint({
      status: list.endStatus,
      isNewestFirst: sorted === undefined,
      isPartial: sorted?.basis !== undefined,
      rows: list.length,
      isFiltered: filtered,
      rangeLabel,
      keptSince: keptSince(list.keptSinceMs, spanOf(range, nowMs).sinceMs, view.zone),
      mayGrow: !sorted && spanOf(range, nowMs).untilMs === undefined,
      rowIndex: list.length + 2,
    });
  }

  #paintStatus({ state: { connection }, session, stalled, nowMs }: View): void {
    const { sorted, shown, selection } = this.#listing;
    const { pending } = shown;
    const { heldBy } = this.#grid;
    this.#jump.hidden = pending === 0 || !(this.#isPaused || heldBy || sorted);
    setText(this.#jump, waitingLabel(pending, sorted !== undefined));
    this.#toolbar.paintPause(this.#isPaused);
    this.#toolbar.paintExports(selection, hasRole(session, "exporter"));
    const list = {
      sorted,
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
