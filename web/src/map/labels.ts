/** Texts of the map panel, and the countries that it lists. */

import type { Count, CountryStats, Stats } from "../server/stats.ts";
import { numberFormat } from "../ui/format.ts";

/** Formats numbers for a locale. */
export class Labels {
  readonly #number: Intl.NumberFormat;
  readonly #percent: Intl.NumberFormat;

  constructor(locale?: string) {
    this.#number = numberFormat({}, locale);
    this.#percent = numberFormat(
      {
        style: "percent",
        minimumFractionDigits: 1,
        maximumFractionDigits: 1,
      },
      locale,
    );
  }

  count(count: number): string {
    return this.#number.format(count);
  }

  share(count: number, total: number): string {
    const share = total > 0 ? count / total : 0;
    // A share above zero is never shown as 0.0%.
    return share > 0 && share < 0.0005 ? `<${this.#percent.format(0.001)}` : this.#percent.format(share);
  }

  /** `1,234 trades · 12.3% · 5 flagged`. */
  describe({ count, flagged }: Count, total: number): string {
    const trades = `${this.count(count)} ${count === 1 ? "trade" : "trades"}`;
    return `${trades} · ${this.share(count, total)} · ${this.count(flagged)} flagged`;
  }
}

/** The countries with trades, most first. A country that is filtered by is included even without trades. */
export function listCountries(stats: Stats | undefined, selected: string): readonly CountryStats[] {
  const countries = stats?.countries ?? [];
  return selected === "" || !stats || countries.some(({ country }) => country === selected)
    ? countries
    : [...countries, { country: selected, count: 0, flagged: 0 }];
}

/**
 * Keeps the previous order and appends new countries. Rows must not move while the user points at one or has
 * focused one.
 */
export function keepOrder(
  countries: readonly CountryStats[],
  before: readonly string[],
): readonly CountryStats[] {
  const place = new Map(before.map((country, index) => [country, index]));
  const placeOf = ({ country }: CountryStats): number => place.get(country) ?? before.length;
  return [...countries].sort((one, other) => placeOf(one) - placeOf(other));
}
