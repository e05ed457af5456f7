/**
 * Polls the archive's statistics for all panels, and adds the trades that arrive live in between.
 *
 * A chart that lets the user pick a country or a pair must keep showing the alternatives. Its request
 * therefore leaves out its own filter. Identical requests are sent once.
 */

import type { Address } from "../filters/address.ts";
import { type Filters, NO_FILTERS, writeFilters } from "../filters/filters.ts";
import { type Range, spanOf, writeRange, writeSpan } from "../filters/range.ts";
import type { Selection } from "../filters/selection.ts";
import type { TradeEvent } from "../trade/event.ts";
import { type Fetch, get, readAnswer, refusalReasons } from "./fetch.ts";
import { LiveAggregate, type Pair, parseAmounts } from "./live-aggregate.ts";
import { parseStats, type Stats } from "./stats.ts";
import type { Timer, Timing } from "./timing.ts";

export type { Pair } from "./live-aggregate.ts";

/**
 * All stats that the page has at one moment. Replaced when they change, never changed in place.
 *
 * Each member is for the current filters and range, or undefined. Stats of earlier filters are never shown.
 */
export interface StatsSnapshot {
  /** With all filters. The series has amounts if both currencies are filtered. */
  readonly trades: Stats | undefined;
  /** Without the country filter, so that another country can be picked. */
  readonly countries: Stats | undefined;
  /** If a pair is filtered: without this filter, so that another pair can be picked. */
  readonly pairs: Stats | undefined;
  /** Of the pair last passed to `focusOn`, with amounts in the series. */
  readonly focus: Stats | undefined;
  /** Of today, without any filter. */
  readonly today: Stats | undefined;
  /** When the archive last answered, by the server's clock, in milliseconds since 1970. */
  readonly answeredMs: number | undefined;
  /** Why there are no current stats, in words, shown once for all panels. Empty if nothing is wrong. */
  readonly error: string;
}

type Slot = "trades" | "countries" | "pairs" | "focus" | "today";

interface StatsRequest {
  /** The same as long as the answer may be shown: a relative range moves on, and stays the same range. */
  readonly key: string;
  readonly selection: Selection;
}

/** Without a start, the API would take the last 24 hours. */
const BEGINNING_MS = 0;
const EVERY_MS = 8000;
/** Faster changes would be unreadable, and a layout of a table with 200 pairs takes longer than a frame. */
const PUBLISH_EVERY_MS = 500;

const EMPTY: StatsSnapshot = {
  trades: undefined,
  countries: undefined,
  pairs: undefined,
  focus: undefined,
  today: undefined,
  answeredMs: undefined,
  error: "",
};

export interface StatsPollerOptions {
  readonly timing: Timing;
  readonly fetch: Fetch;
  readonly address: Address;
  /** Returns the current time by the server's clock, in milliseconds since 1970. */
  readonly serverNow: () => number;
  /** Returns the start of today in the reader's time zone, in milliseconds since 1970. */
  readonly today: () => number;
  /** Called when there is something new to paint. */
  readonly changed: () => void;
}

export class StatsPoller {
  readonly #options: StatsPollerOptions;
  /** The requests to send. */
  #requests: ReadonlyMap<Slot, StatsRequest> = new Map();
  /** By the request's key, so that an answer is never used for another request. */
  readonly #aggregates = new Map<string, LiveAggregate>();
  /** What the requests are for. */
  #filters: Filters | undefined;
  #range: Range | undefined;
  #focus: Pair | undefined;
  #timer: Timer | undefined;
  #isVisible = true;
  /** Identifies a round of requests. Answers to an earlier round are dropped. */
  #round = 0;
  #error = "";
  #answeredMs: number | undefined;
  #latest = EMPTY;
  #isStale = false;
  #publishTimer: Timer | undefined;

  constructor(options: StatsPollerOptions) {
    this.#options = options;
    options.address.onChange(() => this.#onAddress());
  }

  start(): void {
    this.restart();
  }

  get latest(): StatsSnapshot {
    return this.#latest;
  }

  setVisible(isVisible: boolean): void {
    this.#isVisible = isVisible;
    this.restart();
  }

  focusOn(pair: Pair | undefined): void {
    if (pair?.from !== this.#focus?.from || pair?.to !== this.#focus?.to) {
      this.#focus = pair;
      this.restart();
    }
  }

  /** Counts live trades. A hidden page skips them; the next answer includes them. */
  add(trades: readonly TradeEvent[]): void {
    if (!this.#isVisible) {
      return;
    }
    for (const parsed of trades.map(parseAmounts)) {
      for (const aggregate of this.#aggregates.values()) {
        this.#isStale = aggregate.add(parsed) || this.#isStale;
      }
    }
    if (this.#isStale && this.#publishTimer === undefined) {
      this.#publishTimer = this.#options.timing.setTimer(() => {
        this.#publishTimer = undefined;
        this.#publish();
      }, PUBLISH_EVERY_MS);
    }
  }

  /** A dialog may have opened or closed, which is no reason to start over. */
  #onAddress(): void {
    const { filters, range } = this.#options.address;
    if (filters !== this.#filters || range !== this.#range) {
      this.restart();
    }
  }

  /** Asks again at once, with the present query. */
  restart(): void {
    if (this.#timer !== undefined) {
      this.#options.timing.clearTimer(this.#timer);
      this.#timer = undefined;
    }
    this.#round += 1;
    if (this.#isVisible) {
      this.#updateRequests();
      this.#publish();
      this.#poll(this.#round);
    }
  }

  async #poll(round: number): Promise<void> {
    const requests = new Map([...this.#requests.values()].map((request) => [request.key, request]));
    try {
      for (const request of requests.values()) {
        // biome-ignore lint/performance/noAwaitInLoops: one request at a time, to spare the archive
        const stats = await this.#fetchStats(pathOf(request.selection));
        if (round !== this.#round) {
          return;
        }
        this.#answeredMs = this.#options.serverNow();
        const aggregate = new LiveAggregate(request.selection, stats, this.#answeredMs);
        this.#aggregates.set(request.key, aggregate);
        this.#publish();
      }
      this.#error = "";
    } catch (error) {
      if (round !== this.#round) {
        return;
      }
      this.#error =
        error instanceof RefusedError ? error.message : "Statistics are unavailable at the moment.";
      console.warn("Tradewire: failed to fetch statistics:", error);
    }
    this.#publish();
    this.#timer = this.#options.timing.setTimer(() => {
      this.#updateRequests();
      this.#poll(round);
    }, EVERY_MS);
  }

  async #fetchStats(path: string): Promise<Stats> {
    const response = await get(this.#options.fetch, path);
    if (response.status === 400) {
      const [reason] = refusalReasons(await response.json());
      throw new RefusedError(reason ?? "The request was refused.");
    }
    return readAnswer(response, parseStats);
  }

  /** Determines the requests to send, and drops the answers to all others. */
  #updateRequests(): void {
    this.#requests = this.#neededRequests();
    const keys = new Set([...this.#requests.values()].map(({ key }) => key));
    for (const key of this.#aggregates.keys()) {
      if (!keys.has(key)) {
        this.#aggregates.delete(key);
      }
    }
  }

  #neededRequests(): ReadonlyMap<Slot, StatsRequest> {
    const { filters, range } = this.#options.address;
    this.#filters = filters;
    this.#range = range;
    const now = this.#options.serverNow();
    const request = (changes: Partial<Filters>): StatsRequest =>
      toRequest({ ...filters, ...changes }, range, now);
    const hasPair = filters.from !== "" && filters.to !== "";
    return new Map<Slot, StatsRequest>([
      ["trades", request({})],
      ["countries", request({ country: "" })],
      ["pairs", request(hasPair ? { from: "", to: "" } : {})],
      ...(this.#focus ? [["focus", request({ ...this.#focus })] as const] : []),
      ["today", toRequest(NO_FILTERS, { sinceMs: this.#options.today(), untilMs: undefined }, now)],
    ]);
  }

  #publish(): void {
    this.#isStale = false;
    const stats = Object.fromEntries(
      [...this.#requests].map(([slot, { key }]) => [slot, this.#aggregates.get(key)?.stats]),
    );
    this.#latest = { ...EMPTY, ...stats, answeredMs: this.#answeredMs, error: this.#error };
    this.#options.changed();
  }
}

/** Returns the text that a panel shows if there are no trades; `rangeLabel` is the range of time. */
export function noTrades(rangeLabel: string): string {
  return `No trades ${rangeLabel}`.trim().concat(".");
}

/** The API refused the request itself, so a retry won't help. */
class RefusedError extends Error {}

function toRequest(filters: Filters, range: Range, nowMs: number): StatsRequest {
  const key = new URLSearchParams();
  writeRange(range, key);
  writeFilters(filters, key);
  return { key: key.toString(), selection: { filters, span: spanOf(range, nowMs) } };
}

function pathOf({ filters, span }: Selection): string {
  const query = new URLSearchParams();
  writeSpan({ ...span, sinceMs: span.sinceMs ?? BEGINNING_MS }, query);
  writeFilters(filters, query);
  return `/api/stats?${query}`;
}
