/** How figures look where there is little room; all of their digits are in the title. */

import { decimalFormat } from "../ui/format.ts";

const WHOLE_DIGITS = 4;
/** From here on there is no word for the magnitude, so that noughts would be written out. */
const NAMELESS = 1e15;
const SIGNIFICANT = 5;
const MILLIONTHS_PER_PERCENT = 10_000;

export class Amounts {
  /** Every digit. */
  readonly exact: (amount: string) => string;
  readonly #count: Intl.NumberFormat;
  readonly #compact: Intl.NumberFormat;
  readonly #scientific: Intl.NumberFormat;
  readonly #rate: Intl.NumberFormat;
  readonly #percent: Intl.NumberFormat;

  constructor(locale?: string) {
    this.exact = decimalFormat(locale);
    this.#count = new Intl.NumberFormat(locale, { notation: "compact", maximumSignificantDigits: 3 });
    this.#compact = new Intl.NumberFormat(locale, {
      notation: "compact",
      minimumSignificantDigits: 4,
      maximumSignificantDigits: 4,
    });
    this.#scientific = new Intl.NumberFormat(locale, { notation: "scientific", maximumFractionDigits: 3 });
    this.#rate = new Intl.NumberFormat(locale, { maximumSignificantDigits: SIGNIFICANT });
    this.#percent = new Intl.NumberFormat(locale, {
      signDisplay: "exceptZero",
      minimumFractionDigits: 2,
      maximumFractionDigits: 2,
    });
  }

  /** An amount: exact as long as it is short. */
  short(amount: string): string {
    const [whole = ""] = amount.split(".");
    if (whole.length <= WHOLE_DIGITS) {
      return this.exact(amount);
    }
    const value = Number(amount);
    return (value >= NAMELESS ? this.#scientific : this.#compact).format(value);
  }

  /** A count, exact below a thousand. */
  count(count: number): string {
    return this.#count.format(count);
  }

  /** A mean, that has more digits than mean anything. */
  rate(amount: string): string {
    return this.#rate.format(Number(amount));
  }

  /** A change in percent. */
  change(millionths: number): string {
    return this.#percent.format(millionths / MILLIONTHS_PER_PERCENT).replace("-", "−");
  }
}
