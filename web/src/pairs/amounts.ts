/** Compact formatting for tables. The cells' titles have all digits. */

import { decimalFormat, numberFormat } from "../ui/format.ts";

const MAX_EXACT_DIGITS = 4;
/** From here on compact notation has no word for the magnitude, and would print many zeros. */
const SCIENTIFIC_FROM = 1e15;
const SIGNIFICANT = 5;
const MILLIONTHS_PER_PERCENT = 10_000;

export class Amounts {
  /** All digits. */
  readonly exact: (amount: string) => string;
  readonly #count: Intl.NumberFormat;
  readonly #compact: Intl.NumberFormat;
  readonly #scientific: Intl.NumberFormat;
  readonly #rate: Intl.NumberFormat;
  readonly #percent: Intl.NumberFormat;

  constructor(locale?: string) {
    this.exact = decimalFormat(locale);
    this.#count = numberFormat({ notation: "compact", maximumSignificantDigits: 3 }, locale);
    this.#compact = numberFormat(
      {
        notation: "compact",
        minimumSignificantDigits: 4,
        maximumSignificantDigits: 4,
      },
      locale,
    );
    this.#scientific = numberFormat({ notation: "scientific", maximumFractionDigits: 3 }, locale);
    this.#rate = numberFormat({ maximumSignificantDigits: SIGNIFICANT }, locale);
    this.#percent = numberFormat(
      {
        signDisplay: "exceptZero",
        minimumFractionDigits: 2,
        maximumFractionDigits: 2,
      },
      locale,
    );
  }

  /** Formats an amount: exact if it is short. */
  short(amount: string): string {
    const [whole = ""] = amount.split(".");
    if (whole.length <= MAX_EXACT_DIGITS) {
      return this.exact(amount);
    }
    const value = Number(amount);
    return (value >= SCIENTIFIC_FROM ? this.#scientific : this.#compact).format(value);
  }

  /** Formats a count: exact below a thousand. */
  count(count: number): string {
    return this.#count.format(count);
  }

  /** Formats a mean rate to significant digits. */
  rate(amount: string): string {
    return this.#rate.format(Number(amount));
  }

  /** Formats a change as a percentage. */
  change(millionths: number): string {
    return this.#percent.format(millionths / MILLIONTHS_PER_PERCENT).replace("-", "−");
  }
}
