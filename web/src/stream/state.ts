/** All that the page knows, in one place. It is changed by feed, archive and clock, and read by whatever paints. */

import { Seen } from "../trade/dedup-set.ts";
import { parseUpdate, type Update } from "../trade/event.ts";
import { HELD, merge } from "../trade/merge.ts";
import type { Connection, Miss } from "./feed.ts";
import { Coverage } from "./gap-start.ts";
import { LatencyMeter, RateMeter, Trail } from "./meters.ts";
import { ServerClock } from "./server-clock.ts";

/** How many stretches of missing trades are listed one by one. */
const MISSES = 3;

export class State {
  readonly clock = new ServerClock();
  readonly coverage = new Coverage();
  readonly latency = new LatencyMeter();
  readonly rate = new RateMeter();
  readonly trail = new Trail();
  connection: Connection = { phase: "connecting" };
  /** While a gap is being filled: how many trades were found so far. */
  filling: { readonly found: number } | undefined;
  /** What is being filled, once that takes so long that the reader should know. */
  late: Miss | undefined;
  misses: readonly Miss[] = [];
  /** The newest trades, newest first; replaced, never changed in place. */
  trades: readonly Update[] = [];
  /** Different trades that came since the page was opened: live, or found in the archive after a gap. */
  count = 0;
  /** Those of them that were received while the page was connected: what waited for it says nothing about the rate. */
  liveCount = 0;
  /** Whether the archive has told, at least once, what was before. */
  recalled = false;
  /** Whether someone can see the page. */
  visible = true;
  readonly #listeners: ((fresh: readonly Update[]) => void)[] = [];
  readonly #recallListeners: ((recalled: readonly Update[]) => void)[] = [];
  readonly #counted = new Seen();
  /** What was in the list before it came, if it ever comes: such a trade is counted then, and not listed again. */
  readonly #recalled = new Seen(HELD);
  /** Trades from before this moment waited for us, not we for them: they say nothing about latency and rate. */
  #liveSinceMs = Number.POSITIVE_INFINITY;

  /** Hands on all trades that are counted, in whatever order they come, each once; a batch at a time. */
  onFresh(listener: (fresh: readonly Update[]) => void): void {
    this.#listeners.push(listener);
  }

  /** Hands on what the archive told of the time before the page was opened: such trades may also come live later. */
  onRecalled(listener: (recalled: readonly Update[]) => void): void {
    this.#recallListeners.push(listener);
  }

  connected(connection: Connection): void {
    this.connection = connection;
    if (connection.phase === "live") {
      this.#liveSinceMs = connection.sinceMs;
      this.coverage.opened(connection.sinceMs);
    }
  }

  /** Takes a frame's updates: skips those that are malformed or were here before. */
  add(raw: readonly unknown[]): void {
    const fresh = this.#count(parseAll(raw));
    for (const { receivedMicros } of fresh) {
      this.coverage.reached(receivedMicros / 1000);
    }
    const live = fresh
      .map(({ receivedMicros }) => receivedMicros / 1000)
      .filter((ms) => ms >= this.#liveSinceMs);
    this.liveCount += live.length;
    if (this.visible) {
      for (const receivedMs of live) {
        this.latency.arrived(receivedMs);
      }
    }
  }

  /** Takes what the archive tells of a gap, in the same way; gives how many were not here before. */
  fill(raw: readonly unknown[]): number {
    return this.#count(parseAll(raw)).length;
  }

  /** Takes what the archive tells of the time before the page was opened: listed, and not counted. */
  recall(raw: readonly unknown[]): void {
    const unknown = parseAll(raw).filter(({ id }) => !this.#counted.has(id) && this.#recalled.add(id));
    this.recalled = true;
    this.#list(unknown);
    for (const listener of this.#recallListeners) {
      listener(unknown);
    }
  }

  #count(updates: readonly Update[]): readonly Update[] {
    const fresh = updates.filter(({ id }) => this.#counted.add(id));
    this.count += fresh.length;
    this.#list(fresh.filter(({ id }) => !this.#recalled.has(id)));
    for (const listener of this.#listeners) {
      listener(fresh);
    }
    return fresh;
  }

  #list(updates: readonly Update[]): void {
    if (updates.length > 0) {
      this.trades = merge(this.trades, updates);
    }
  }

  /** What is in the list now has been painted. */
  painted(nowMs: number): void {
    this.latency.painted(this.clock.at(nowMs));
  }

  show(visible: boolean): void {
    this.visible = visible;
    this.latency.forgetWaiting();
  }

  /** Notes a miss that stays. Only so many are told apart: beyond, the two oldest become one. */
  miss(miss: Miss): void {
    const misses = [...this.misses, miss];
    const [first, second, ...rest] = misses;
    if (first && second && misses.length > MISSES) {
      this.misses = [{ since: first.since, until: second.until, why: "several" }, ...rest];
    } else {
      this.misses = misses;
    }
  }

  dismissMisses(): void {
    this.misses = [];
    this.late = undefined;
  }
}

/** The updates in `raw`; those that are malformed are skipped with a warning. */
function parseAll(raw: readonly unknown[]): readonly Update[] {
  const updates = raw.map(parseUpdate).filter((update) => update !== undefined);
  if (updates.length < raw.length) {
    console.warn(`Tradewire: skipped ${raw.length - updates.length} malformed updates of ${raw.length}`);
  }
  return updates;
}
