/**
 * The answer to one question about statistics, carried forward by the trades that come live.
 *
 * Nothing is counted twice: an answer holds only what was received before it came, so only what was received later
 * is added to it. What was on its way to the archive meanwhile is in the next answer.
 */

import { parseUnits, type Units } from "../trade/decimal.ts";
import { newestFirst, type Update } from "../trade/event.ts";
import type { Count, CountryFigures, Figures, Money, PairFigures, StepFigures } from "./stats.ts";
import { type Open, Sums } from "./totals.ts";

/** A pair of currencies. */
export interface Pair {
  readonly from: string;
  readonly to: string;
}

/** What statistics can be asked for; undefined asks for all. */
export interface Scope {
  readonly pair: Pair | undefined;
  readonly country: string | undefined;
}

/** A trade as it is added up: its amounts are read once, however many sheets it goes into. */
export interface Deal {
  readonly update: Update;
  readonly receivedMs: number;
  /** The name of its pair. */
  readonly pair: string;
  readonly sold: Units;
  readonly bought: Units;
  readonly rate: Units;
  readonly isFlagged: boolean;
}

export function dealOf(update: Update): Deal {
  return {
    update,
    receivedMs: update.receivedMicros / 1000,
    pair: update.currencyFrom + update.currencyTo,
    sold: parseUnits(update.amountSell) ?? 0n,
    bought: parseUnits(update.amountBuy) ?? 0n,
    rate: parseUnits(update.rate) ?? 0n,
    isFlagged: update.flags.length > 0,
  };
}

const NOTHING: Count = { count: 0, flagged: 0 };

export class Sheet {
  readonly #scope: Scope;
  /** Milliseconds since 1970 by the server's clock: what is received from then on is not in the answer. */
  readonly #liveFromMs: number;
  readonly #total: Open<Count>;
  readonly #pairs: Sums<string, PairFigures>;
  readonly #countries: Sums<string, CountryFigures>;
  readonly #steps: Sums<number, StepFigures>;
  /** Of each pair and step, the last trade that was added: by the moment received, in whatever order they come. */
  readonly #latest = new Map<string | number, Update>();
  #figures: Figures;
  #isDirty = false;

  constructor(scope: Scope, answer: Figures, cameMs: number) {
    this.#scope = scope;
    this.#liveFromMs = cameMs;
    this.#figures = answer;
    this.#total = { ...answer.total };
    this.#pairs = new Sums(answer.pairs.map((pair) => [pair.from + pair.to, pair]));
    this.#countries = new Sums(answer.countries.map((country) => [country.country, country]));
    this.#steps = new Sums(answer.series.map((step) => [step.startMs, step]));
  }

  /** Counts a trade that came live. True where it is one of those that were asked for. */
  add(deal: Deal): boolean {
    const { currencyFrom: from, currencyTo: to, originatingCountry } = deal.update;
    const { pair, country } = this.#scope;
    if (
      deal.receivedMs < this.#liveFromMs ||
      (pair && !(from === pair.from && to === pair.to)) ||
      (country !== undefined && originatingCountry !== country)
    ) {
      return false;
    }
    count(this.#total, deal);
    count(
      this.#countries.at(originatingCountry, () => ({ country: originatingCountry, ...NOTHING })),
      deal,
    );
    const sums = this.#pairs.at(deal.pair, () => ({ from, to, ...NOTHING, ...noMoney(deal) }));
    count(sums, deal);
    trade(sums, deal, this.#isLatest(deal.pair, deal.update));
    this.#addStep(deal);
    this.#isDirty = true;
    return true;
  }

  /** The figures of now: another object only where they have changed. */
  get figures(): Figures {
    if (this.#isDirty) {
      this.#isDirty = false;
      const { stepMs, untilMs } = this.#figures;
      const series = this.#steps.give().sort((a, b) => a.startMs - b.startMs);
      const last = series.at(-1);
      this.#figures = {
        ...this.#figures,
        untilMs: Math.max(untilMs, last ? last.startMs + stepMs : 0),
        total: { ...this.#total },
        pairs: this.#pairs.give().sort(mostFirst),
        countries: this.#countries.give().sort(mostFirst),
        series,
      };
    }
    return this.#figures;
  }

  #addStep(deal: Deal): void {
    const { stepMs } = this.#figures;
    const startMs = Math.floor(deal.receivedMs / stepMs) * stepMs;
    const step = this.#steps.at(startMs, () => ({ startMs, ...NOTHING, money: undefined }));
    count(step, deal);
    if (this.#scope.pair) {
      const money = { ...(step.money ?? noMoney(deal)) };
      trade(money, deal, this.#isLatest(startMs, deal.update));
      step.money = money;
    }
  }

  #isLatest(key: string | number, update: Update): boolean {
    const before = this.#latest.get(key);
    if (before && newestFirst(before, update) < 0) {
      return false;
    }
    this.#latest.set(key, update);
    return true;
  }
}

function count(sums: Open<Count>, { isFlagged }: Deal): void {
  sums.count += 1;
  sums.flagged += isFlagged ? 1 : 0;
}

function noMoney({ rate }: Deal): Money {
  return { sold: 0n, bought: 0n, open: rate, high: rate, low: rate, last: rate };
}

function trade(sums: Open<Money>, { sold, bought, rate }: Deal, isLatest: boolean): void {
  sums.sold += sold;
  sums.bought += bought;
  sums.high = rate > sums.high ? rate : sums.high;
  sums.low = rate < sums.low ? rate : sums.low;
  sums.last = isLatest ? rate : sums.last;
}

function mostFirst(a: Count, b: Count): number {
  return b.count - a.count;
}
