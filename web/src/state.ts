/** All that the page knows, in one place. It is changed by the feed and the clock, and read by whatever paints. */

import { ServerClock } from "./clock.ts";
import type { Connection, Miss } from "./feed.ts";
import { LatencyMeter, RateMeter } from "./meters.ts";
import { Seen } from "./seen.ts";
import { merge } from "./trades.ts";
import { parseUpdate, type Update } from "./update.ts";

/** How many stretches of missing trades are listed one by one. */
const MISSES = 3;

export class State {
  readonly clock = new ServerClock();
  readonly latency = new LatencyMeter();
  readonly rate = new RateMeter();
  connection: Connection = { phase: "connecting" };
  misses: readonly Miss[] = [];
  /** The newest trades, newest first; replaced, never changed in place. */
  trades: readonly Update[] = [];
  /** Different trades that came since the page was opened. */
  count = 0;
  /** Whether someone can see the page. */
  visible = true;
  readonly #seen = new Seen();
  /** Trades from before this moment waited for us, not we for them: they say nothing about latency. */
  #liveSinceMs = Number.POSITIVE_INFINITY;

  connected(connection: Connection, nowMs: number): void {
    this.connection = connection;
    if (connection.phase === "live") {
      this.#liveSinceMs = this.clock.at(nowMs);
    }
  }

  /** Takes a frame's updates: skips those that are malformed or were here before. */
  add(raw: readonly unknown[]): void {
    const fresh: Update[] = [];
    let malformed = 0;
    for (const one of raw) {
      const update = parseUpdate(one);
      if (!update) {
        malformed += 1;
      } else if (this.#seen.add(update.id)) {
        fresh.push(update);
      }
    }
    if (malformed > 0) {
      console.warn(`Tradewire: skipped ${malformed} malformed updates of ${raw.length}`);
    }
    this.#take(fresh);
  }

  #take(fresh: readonly Update[]): void {
    if (fresh.length === 0) {
      return;
    }
    this.count += fresh.length;
    this.trades = merge(this.trades, fresh);
    if (this.visible) {
      this.#expectOnScreen(fresh);
    }
  }

  #expectOnScreen(fresh: readonly Update[]): void {
    for (const update of fresh) {
      const receivedMs = update.receivedMicros / 1000;
      if (receivedMs >= this.#liveSinceMs) {
        this.latency.arrived(receivedMs);
      }
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

  /** Notes a miss. Only so many are told apart: beyond, the two oldest become one. */
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
  }
}
