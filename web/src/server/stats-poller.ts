/**
 * Polls the archive's statistics for all panels, and adds the trades that arrive live in between.
 *
 * A chart that lets the user pick a country or a pair must keep showing the alternatives. Its request
 * therefore leaves out its own filter. Identical requests are sent once.
 */

import type { Address } from "../filters/address.ts";
import type { Filters } from "../filters/filters.ts";
import type { TradeEvent } from "../trade/event.ts";
import { FIELDS } from "../trade/fields.ts";
import { type Fetch, get, readAnswer, refusalReasons } from "./fetch.ts";
import { LiveAggregate, type Pair, parseAmounts, type Scope } from "./live-aggregate.ts";
import { parseStats, type Stats } from "./stats.ts";
import type { Timer, Timing } from "./timing.ts";

export type { Pair } from "./live-aggregate.ts";

/**
 * All stats that the page has at one moment. Replaced when they change, never changed in place.
 *
 * Each member is for the current filters and window, or undefined. Stats of earlier filters are never shown.
 */
export interface StatsSnapshot {
  /** Filtered by pair and country. The series has amounts if both currencies are filtered. */
  readonly trades: Stats | undefined;
  /** By country, without the country filter. */
  readonly countries: Stats | undefined;
  /** By pair, without the currency filters. */
  readonly pairs: Stats | undefined;
  /** Of the pair last passed to `focusOn`, with amounts in the series. */
  readonly focus: Stats | undefined;
  /** Of the last two days and today, in hours, without any filter. */
  readonly days: Stats | undefined;
  /** Why there are no current stats, in words, shown once for all panels. Empty if nothing is wrong. */
  readonly error: string;
  /** Names the filters that the stats don't apply, in words. Empty if there are none. */
  readonly ignoredFilters: string;
}

type Slot = "trades" | "countries" | "pairs" | "focus" | "days";

interface StatsRequest {
  readonly scope: Scope;
  readonly path: string;
}

const EVERY_MS = 8000;
/** Faster changes would be unreadable, and a layout of a table with 200 pairs takes longer than a frame. */
const PUBLISH_EVERY_MS = 500;

const EMPTY: StatsSnapshot = {
  trades: undefined,
  countries: undefined,
  pairs: undefined,
  focus: undefined,
  days: undefined,
  error: "",
  ignoredFilters: "",
};

export interface StatsPollerOptions {
  readonly timing: Timing;
  readonly fetch: Fetch;
  readonly address: Address;
  /** Returns the current time by the server's clock, in milliseconds since 1970. */
  readonly serverNow: () => number;
  /** Called when there is something new to paint. */
  readonly changed: () => void;
}

export class StatsPoller {
  readonly #options: StatsPollerOptions;
  /** The requests to send. */
  #requests: ReadonlyMap<Slot, StatsRequest> = new Map();
  /** By request path, so that an answer is never used for another request. */
  readonly #aggregates = new Map<string, LiveAggregate>();
  #focus: Pair | undefined;
  #timer: Timer | undefined;
  #isVisible = true;
  /** Identifies a round of requests. Answers to an earlier round are dropped. */
  #round = 0;
  #error = "";
  #latest = EMPTY;
  #isStale = false;
  #publishTimer: Timer | undefined;

  constructor(options: StatsPollerOptions) {
    this.#options = options;
    options.address.onChange(() => this.#restart());
  }

  start(): void {
    this.#restart();
  }

  get latest(): StatsSnapshot {
    return this.#latest;
  }

  setVisible(isVisible: boolean): void {
    this.#isVisible = isVisible;
    this.#restart();
  }

  focusOn(pair: Pair | undefined): void {
    if (pair?.from !== this.#focus?.from || pair?.to !== this.#focus?.to) {
      this.#focus = pair;
      this.#restart();
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

  #restart(): void {
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
    const requests = new Map([...this.#requests.values()].map((request) => [request.path, request]));
    try {
      for (const request of requests.values()) {
        // biome-ignore lint/performance/noAwaitInLoops: one request at a time, to spare the archive
        const stats = await this.#fetchStats(request.path);
        if (round !== this.#round) {
          return;
        }
        this.#aggregates.set(
          request.path,
          new LiveAggregate(request.scope, stats, this.#options.serverNow()),
        );
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
    const paths = new Set([...this.#requests.values()].map(({ path }) => path));
    for (const path of this.#aggregates.keys()) {
      if (!paths.has(path)) {
        this.#aggregates.delete(path);
      }
    }
  }

  #neededRequests(): ReadonlyMap<Slot, StatsRequest> {
    const { filters, window } = this.#options.address;
    const pair = filters.from && filters.to ? { from: filters.from, to: filters.to } : undefined;
    const country = filters.country || undefined;
    const inWindow = (scope: Scope): StatsRequest => ({ scope, path: pathOf({ window }, scope) });
    const all = { pair: undefined, country: undefined };
    const days = pathOf({ since: twoDaysAgo(this.#options.serverNow()) }, all);
    return new Map<Slot, StatsRequest>([
      ["trades", inWindow({ pair, country })],
      ["countries", inWindow({ pair, country: undefined })],
      ["pairs", inWindow({ pair: undefined, country })],
      ...(this.#focus ? [["focus", inWindow({ pair: this.#focus, country })] as const] : []),
      ["days", { scope: all, path: days }],
    ]);
  }

  #publish(): void {
    this.#isStale = false;
    const stats = Object.fromEntries(
      [...this.#requests].map(([slot, { path }]) => [slot, this.#aggregates.get(path)?.stats]),
    );
    this.#latest = {
      ...EMPTY,
      ...stats,
      error: this.#error,
      ignoredFilters: ignoredFilters(this.#options.address.filters),
    };
    this.#options.changed();
  }
}

/** Returns the text that a panel shows in place of stats. */
export function statsPlaceholder({ error }: Pick<StatsSnapshot, "error">): string {
  return error === "" ? "Loading…" : "No statistics.";
}

/** The API refused the request itself, so a retry won't help. */
class RefusedError extends Error {}

function pathOf(range: Readonly<Record<string, string>>, { pair, country }: Scope): string {
  const query = new URLSearchParams(range);
  if (pair) {
    query.set("from", pair.from);
    query.set("to", pair.to);
  }
  if (country !== undefined) {
    query.set("country", country);
  }
  return `/api/stats?${query}`;
}

/** Returns midnight two days ago. For such a long range the archive answers in hours, which are few. */
function twoDaysAgo(nowMs: number): string {
  const day = new Date(nowMs);
  day.setUTCHours(-48, 0, 0, 0);
  return day.toISOString();
}

function ignoredFilters(filters: Filters): string {
  const { from, to, user, flag, min, max, q } = filters;
  const labelled = FIELDS.map(
    ({ filter, label }) => (filter && filters[filter] && label?.toLowerCase()) ?? "",
  );
  const own = [user && "user", flag && "flag", (min || max) && "amount", q && "search"];
  const names = [...own, ...labelled].filter((name) => name !== "");
  const list = new Intl.ListFormat("en").format(names);
  const noun = names.length === 1 ? "filter" : "filters";
  return [
    names.length > 0 ? `Map, chart and pairs don’t apply the ${list} ${noun}.` : "",
    (from === "") === (to === "") ? "" : "Map and chart don’t apply the currency filter.",
  ]
    .join(" ")
    .trim();
}
