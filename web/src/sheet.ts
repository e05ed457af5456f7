/**
 * The answer to one question about statistics, carried forward by the trades that come live.
 *
 * Nothing is counted twice: an answer holds only what was received before it came, so only what was received later
 * is added to it. What was on its way to the archive meanwhile is in the next answer.
 */

import { parseUnits } from "./decimal.ts";
import type { Count, CountryFigures, Figures, Money, PairFigures, StepFigures } from "./figures.ts";
import type { Update } from "./update.ts";

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

const NOTHING: Count = { count: 0, flagged: 0 };

export class Sheet {
  readonly #scope: Scope;
  /** Milliseconds since 1970 by the server's clock: what is received from then on is not in the answer. */
  readonly #liveFromMs: number;
  readonly #pairs: Map<string, PairFigures>;
  readonly #countries: Map<string, CountryFigures>;
  readonly #steps: Map<number, StepFigures>;
  #figures: Figures;
  #isDirty = false;
  #total: Count;

  constructor(scope: Scope, answer: Figures, cameMs: number) {
    this.#scope = scope;
    this.#liveFromMs = cameMs;
    this.#figures = answer;
    this.#total = answer.total;
    this.#pairs = new Map(answer.pairs.map((pair) => [pair.from + pair.to, pair]));
    this.#countries = new Map(answer.countries.map((country) => [country.country, country]));
    this.#steps = new Map(answer.series.map((step) => [step.startMs, step]));
  }

  /** Counts a trade that came live. True where it is one of those that were asked for. */
  add(update: Update): boolean {
    const receivedMs = update.receivedMicros / 1000;
    const { pair, country } = this.#scope;
    if (
      receivedMs < this.#liveFromMs ||
      (pair && !(update.currencyFrom === pair.from && update.currencyTo === pair.to)) ||
      (country !== undefined && update.originatingCountry !== country)
    ) {
      return false;
    }
    this.#total = more(this.#total, update);
    this.#addPair(update);
    this.#addCountry(update);
    this.#addStep(update, receivedMs);
    this.#isDirty = true;
    return true;
  }

  /** The figures of now: another object only where they have changed. */
  get figures(): Figures {
    if (this.#isDirty) {
      this.#isDirty = false;
      const { stepMs, untilMs } = this.#figures;
      const series = [...this.#steps.values()].sort((a, b) => a.startMs - b.startMs);
      const last = series.at(-1);
      this.#figures = {
        ...this.#figures,
        untilMs: Math.max(untilMs, last ? last.startMs + stepMs : 0),
        total: this.#total,
        pairs: [...this.#pairs.values()].sort(mostFirst),
        countries: [...this.#countries.values()].sort(mostFirst),
        series,
      };
    }
    return this.#figures;
  }

  #addPair(update: Update): void {
    const { currencyFrom: from, currencyTo: to } = update;
    const before = this.#pairs.get(from + to);
    this.#pairs.set(from + to, { from, to, ...more(before ?? NOTHING, update), ...traded(before, update) });
  }

  #addCountry(update: Update): void {
    const country = update.originatingCountry;
    this.#countries.set(country, { country, ...more(this.#countries.get(country) ?? NOTHING, update) });
  }

  #addStep(update: Update, receivedMs: number): void {
    const { stepMs } = this.#figures;
    const startMs = Math.floor(receivedMs / stepMs) * stepMs;
    const before = this.#steps.get(startMs);
    const money = this.#scope.pair ? traded(before?.money, update) : undefined;
    this.#steps.set(startMs, { startMs, ...more(before ?? NOTHING, update), money });
  }
}

function more({ count, flagged }: Count, update: Update): Count {
  return { count: count + 1, flagged: flagged + (update.flags.length > 0 ? 1 : 0) };
}

function traded(before: Money | undefined, update: Update): Money {
  const sold = parseUnits(update.amountSell) ?? 0n;
  const bought = parseUnits(update.amountBuy) ?? 0n;
  const rate = parseUnits(update.rate) ?? 0n;
  if (!before) {
    return { sold, bought, open: rate, high: rate, low: rate, last: rate };
  }
  return {
    sold: before.sold + sold,
    bought: before.bought + bought,
    open: before.open,
    high: rate > before.high ? rate : before.high,
    low: rate < before.low ? rate : before.low,
    last: rate,
  };
}

function mostFirst(a: Count, b: Count): number {
  return b.count - a.count;
}
