/** A country's figures in words, and which countries there are to show. */

import type { Filters } from "../filters/filters.ts";
import type { View } from "../page.ts";
import type { Count, CountryFigures, Figures } from "../server/stats.ts";
import { type Statistics, withoutFigures } from "../server/stats-poller.ts";

const WINDOW_WORDS: Readonly<Record<View["window"], string>> = {
  "15m": "15 minutes",
  "1h": "hour",
  "24h": "24 hours",
  "7d": "7 days",
};

/** How numbers look to the reader. */
export class Words {
  readonly #number: Intl.NumberFormat;
  readonly #percent: Intl.NumberFormat;

  constructor(locale?: string) {
    this.#number = new Intl.NumberFormat(locale);
    this.#percent = new Intl.NumberFormat(locale, {
      style: "percent",
      minimumFractionDigits: 1,
      maximumFractionDigits: 1,
    });
  }

  count(count: number): string {
    return this.#number.format(count);
  }

  share(count: number, total: number): string {
    const share = total > 0 ? count / total : 0;
    // What is there is never said to be nothing.
    return share > 0 && share < 0.0005 ? `<${this.#percent.format(0.001)}` : this.#percent.format(share);
  }

  /** `1,234 trades · 12.3% · 5 flagged`. */
  all({ count, flagged }: Count, total: number): string {
    const trades = `${this.count(count)} ${count === 1 ? "trade" : "trades"}`;
    return `${trades} · ${this.share(count, total)} · ${this.count(flagged)} flagged`;
  }
}

/** What a remark rests on. */
export interface Reasons extends Pick<View, "filters" | "window"> {
  readonly statistics: Pick<Statistics, "countries" | "trouble">;
}

/** Why there is nothing on the map; empty where nothing needs to be said. */
export function remark({ statistics, filters, window }: Reasons): string {
  const { countries } = statistics;
  if (!countries) {
    return withoutFigures(statistics);
  }
  if (countries.total.count === 0) {
    return `No trades${pairWords(filters)} in the last ${WINDOW_WORDS[window]}.`;
  }
  return "";
}

function pairWords({ from, to }: Filters): string {
  return from && to ? ` of ${from}→${to}` : "";
}

/** The countries of the figures, most trades first; the one that is filtered by is among them, if only with none. */
export function listed(figures: Figures | undefined, chosen: string): readonly CountryFigures[] {
  const countries = figures?.countries ?? [];
  return chosen === "" || !figures || countries.some(({ country }) => country === chosen)
    ? countries
    : [...countries, { country: chosen, count: 0, flagged: 0 }];
}

/**
 * The same countries in the order in which they were before, with what is new at the end: while someone points at
 * a line or is in it, lines stay where they are.
 */
export function keepingOrder(
  countries: readonly CountryFigures[],
  before: readonly string[],
): readonly CountryFigures[] {
  const place = new Map(before.map((country, index) => [country, index]));
  const placeOf = ({ country }: CountryFigures): number => place.get(country) ?? before.length;
  return [...countries].sort((one, other) => placeOf(one) - placeOf(other));
}
