/**
 * The trades that the page holds, their counts, and the state of the connection. Feed and archive change it;
 * panels read it.
 */

import { DedupSet } from "../trade/dedup-set.ts";
import { parseTradeEvent, type TradeEvent } from "../trade/event.ts";
import { MAX_TRADES, mergeTrades } from "../trade/merge.ts";
import type { Connection, Gap } from "./feed.ts";
import { GapStart } from "./gap-start.ts";
import { LatencyMeter, RateHistory, RateMeter } from "./meters.ts";
import { ServerClock } from "./server-clock.ts";

/** How many gaps are listed separately. */
const MAX_GAPS = 3;

export class State {
  readonly clock = new ServerClock();
  readonly gapStart = new GapStart();
  readonly latency = new LatencyMeter();
  readonly rate = new RateMeter();
  readonly rateHistory = new RateHistory();
  connection: Connection = { phase: "connecting", silentSinceMs: undefined };
  /** The version of Tradewire that runs. Empty until the server has told. */
  version = "";
  /** The version that ran when the page was opened: the page is of it. */
  ownVersion = "";
  /** Set while a gap is being filled: how many trades were found so far. */
  filling: { readonly found: number } | undefined;
  /** The gap that is being filled, once that takes so long that the reader should know. */
  announcedGap: Gap | undefined;
  gaps: readonly Gap[] = [];
  /** Newest first. Replaced, never changed in place. */
  trades: readonly TradeEvent[] = [];
  /** Distinct trades since the page was opened: live, or found in the archive after a gap. */
  count = 0;
  /** Those of them that were received while the page was connected. Backlog says nothing about the rate. */
  liveCount = 0;
  /** Whether the archive has answered at least once with the trades from before. */
  isBackfilled = false;
  /** Whether a query for them has failed, and none has succeeded yet. */
  isBackfillFailing = false;
  /** Whether the page is visible. */
  visible = true;
  readonly #listeners: ((fresh: readonly TradeEvent[]) => void)[] = [];
  readonly #backfillListeners: ((backfilled: readonly TradeEvent[]) => void)[] = [];
  readonly #counted = new DedupSet();
  /** Trades listed from the archive. If one arrives live later, it is counted then, and not listed again. */
  readonly #backfilled = new DedupSet(MAX_TRADES);
  /** Trades received before this time waited for the page. They say nothing about latency and rate. */
  #liveSinceMs = Number.POSITIVE_INFINITY;

  /** Registers a callback for counted trades: each trade once, in any order, in batches. */
  onFresh(listener: (fresh: readonly TradeEvent[]) => void): void {
    this.#listeners.push(listener);
  }

  /** Registers a callback for trades from before the page was opened. They may also arrive live later. */
  onBackfill(listener: (backfilled: readonly TradeEvent[]) => void): void {
    this.#backfillListeners.push(listener);
  }

  connected(connection: Connection): void {
    this.connection = connection;
    if (connection.phase === "live") {
      this.#liveSinceMs = connection.sinceMs;
      this.gapStart.connected(connection.sinceMs);
      this.version = connection.version ?? this.version;
      this.ownVersion ||= this.version;
    }
  }

  /** Adds the events of a frame. Skips malformed events and trades that are already known. */
  add(raw: readonly unknown[]): void {
    const fresh = this.#count(parseAll(raw));
    for (const { receivedMicros } of fresh) {
      this.gapStart.advanceTo(receivedMicros / 1000);
    }
    const live = fresh
      .map(({ receivedMicros }) => receivedMicros / 1000)
      .filter((ms) => ms >= this.#liveSinceMs);
    this.liveCount += live.length;
    for (const receivedMs of live) {
      this.latency.add(receivedMs);
    }
  }

  /** Adds what the archive returned for a gap, in the same way. Returns how many trades were new. */
  addMissed(raw: readonly unknown[]): number {
    return this.#count(parseAll(raw)).length;
  }

  /** Adds trades from before the page was opened. They are listed, not counted. */
  backfill(raw: readonly unknown[]): void {
    const unknown = parseAll(raw).filter(({ id }) => !this.#counted.has(id) && this.#backfilled.add(id));
    this.isBackfilled = true;
    this.isBackfillFailing = false;
    this.#list(unknown);
    for (const listener of this.#backfillListeners) {
      listener(unknown);
    }
  }

  #count(trades: readonly TradeEvent[]): readonly TradeEvent[] {
    const fresh = trades.filter(({ id }) => this.#counted.add(id));
    this.count += fresh.length;
    this.#list(fresh.filter(({ id }) => !this.#backfilled.has(id)));
    for (const listener of this.#listeners) {
      listener(fresh);
    }
    return fresh;
  }

  #list(trades: readonly TradeEvent[]): void {
    if (trades.length > 0) {
      this.trades = mergeTrades(this.trades, trades);
    }
  }

  /** Everything that is listed now has been painted. */
  painted(nowMs: number): void {
    this.latency.painted(this.clock.at(nowMs));
  }

  setVisible(visible: boolean): void {
    this.visible = visible;
    this.latency.discardPending();
  }

  /** Records a permanent gap. Beyond MAX_GAPS the two oldest become one. */
  addGap(gap: Gap): void {
    const gaps = [...this.gaps, gap];
    const [first, second, ...rest] = gaps;
    if (first && second && gaps.length > MAX_GAPS) {
      this.gaps = [{ since: first.since, until: second.until, reason: "several" }, ...rest];
    } else {
      this.gaps = gaps;
    }
  }

  dismissGaps(): void {
    this.gaps = [];
    this.announcedGap = undefined;
  }
}

/** Parses events. Malformed ones are skipped with a warning. */
function parseAll(raw: readonly unknown[]): readonly TradeEvent[] {
  const trades = raw.map(parseTradeEvent).filter((trade) => trade !== undefined);
  if (trades.length < raw.length) {
    console.warn(`Tradewire: skipped ${raw.length - trades.length} malformed trades of ${raw.length}`);
  }
  return trades;
}
