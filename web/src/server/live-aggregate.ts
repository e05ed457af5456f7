/**
 * One answer of `GET /api/stats`, kept current with the trades that arrive live.
 *
 * Nothing is counted twice: the answer holds only trades received before it arrived, so only trades received
 * later are added. Trades that were on their way to the archive at that time are in the next answer.
 */

import { type Selection, selects } from "../filters/selection.ts";
import { parseUnits, type Units } from "../trade/decimal.ts";
import { newestFirst, type TradeEvent } from "../trade/event.ts";
import type { Count, CountryStats, Money, PairStats, Stats, StepStats } from "./stats.ts";
import { type Mutable, Totals } from "./totals.ts";

/** A pair of currencies. */
export interface Pair {
  readonly from: string;
  readonly to: string;
}

/** A trade with its amounts parsed, once for all aggregates that count it. */
export interface ParsedTrade {
  readonly trade: TradeEvent;
  readonly receivedMs: number;
  /** Both currency codes, joined. */
  readonly pair: string;
  readonly sold: Units;
  readonly bought: Units;
  readonly rate: Units;
  readonly isFlagged: boolean;
}

export function parseAmounts(trade: TradeEvent): ParsedTrade {
  return {
    trade,
    receivedMs: trade.receivedMicros / 1000,
    pair: trade.currencyFrom + trade.currencyTo,
    sold: parseUnits(trade.amountSell) ?? 0n,
    bought: parseUnits(trade.amountBuy) ?? 0n,
    rate: parseUnits(trade.rate) ?? 0n,
    isFlagged: trade.flags.length > 0,
  };
}

const ZERO: Count = { count: 0, flagged: 0 };

export class LiveAggregate {
  readonly #selection: Selection;
  /** Only the amounts and rates of one pair can be summed by step. */
  readonly #isOnePair: boolean;
  /** In milliseconds since 1970 by the server's clock. Trades received before this time are in the answer. */
  readonly #liveFromMs: number;
  readonly #total: Mutable<Count>;
  readonly #pairs: Totals<string, PairStats>;
  readonly #countries: Totals<string, CountryStats>;
  readonly #steps: Totals<number, StepStats>;
  /** The last trade added to each pair and step, by time of receipt. Trades may arrive in any order. */
  readonly #latest = new Map<string | number, TradeEvent>();
  #stats: Stats;
  #isDirty = false;

  /** `selection` has the trades that the answer is limited to. */
  constructor(selection: Selection, answer: Stats, answeredMs: number) {
    this.#selection = selection;
    this.#isOnePair = selection.filters.from !== "" && selection.filters.to !== "";
    this.#liveFromMs = answeredMs;
    this.#stats = answer;
    this.#total = { ...answer.total };
    this.#pairs = new Totals(answer.pairs.map((pair) => [pair.from + pair.to, pair]));
    this.#countries = new Totals(answer.countries.map((country) => [country.country, country]));
    this.#steps = new Totals(answer.series.map((step) => [step.startMs, step]));
  }

  /** Counts a live trade. Returns true if it is selected. */
  add(parsed: ParsedTrade): boolean {
    const { currencyFrom: from, currencyTo: to, originatingCountry } = parsed.trade;
    if (parsed.receivedMs < this.#liveFromMs || !selects(this.#selection, parsed.trade)) {
      return false;
    }
    addCount(this.#total, parsed);
    addCount(
      this.#countries.mutable(originatingCountry, () => ({ country: originatingCountry, ...ZERO })),
      parsed,
    );
    const totals = this.#pairs.mutable(parsed.pair, () => ({ from, to, ...ZERO, ...initialMoney(parsed) }));
    addCount(totals, parsed);
    addAmounts(totals, parsed, this.#isLatest(parsed.pair, parsed.trade));
    this.#addStep(parsed);
    this.#isDirty = true;
    return true;
  }

  /** The current stats. A new object only if something has changed. */
  get stats(): Stats {
    if (this.#isDirty) {
      this.#isDirty = false;
      const { stepMs, untilMs } = this.#stats;
      const series = this.#steps.publish().sort((a, b) => a.startMs - b.startMs);
      const last = series.at(-1);
      this.#stats = {
        ...this.#stats,
        untilMs: Math.max(untilMs, last ? last.startMs + stepMs : 0),
        total: { ...this.#total },
        pairs: this.#pairs.publish().sort(byCountDescending),
        countries: this.#countries.publish().sort(byCountDescending),
        series,
      };
    }
    return this.#stats;
  }

  #addStep(parsed: ParsedTrade): void {
    const { stepMs } = this.#stats;
    const startMs = Math.floor(parsed.receivedMs / stepMs) * stepMs;
    const step = this.#steps.mutable(startMs, () => ({ startMs, ...ZERO, money: undefined }));
    addCount(step, parsed);
    if (this.#isOnePair) {
      const money = { ...(step.money ?? initialMoney(parsed)) };
      addAmounts(money, parsed, this.#isLatest(startMs, parsed.trade));
      step.money = money;
    }
  }

  #isLatest(key: string | number, trade: TradeEvent): boolean {
    const before = this.#latest.get(key);
    if (before && newestFirst(before, trade) < 0) {
      return false;
    }
    this.#latest.set(key, trade);
    return true;
  }
}

function addCount(totals: Mutable<Count>, { isFlagged }: ParsedTrade): void {
  totals.count += 1;
  totals.flagged += isFlagged ? 1 : 0;
}

function initialMoney({ rate }: ParsedTrade): Money {
  return { sold: 0n, bought: 0n, open: rate, high: rate, low: rate, last: rate };
}

function addAmounts(totals: Mutable<Money>, { sold, bought, rate }: ParsedTrade, isLatest: boolean): void {
  totals.sold += sold;
  totals.bought += bought;
  totals.high = rate > totals.high ? rate : totals.high;
  totals.low = rate < totals.low ? rate : totals.low;
  totals.last = isLatest ? rate : totals.last;
}

function byCountDescending(a: Count, b: Count): number {
  return b.count - a.count;
}
