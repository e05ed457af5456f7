/**
 * Exact decimals as integer multiples of 10⁻¹², the smallest unit that the API accepts.
 *
 * Their sums are exact, unlike sums of JavaScript numbers.
 */

export type Units = bigint;

const DIGITS = 12;
const ONE: Units = 10n ** BigInt(DIGITS);
const PLAIN_DECIMAL = /^(\d+)(?:\.(\d{1,12}))?$/u;
const ENDING_ZEROS = /0+$/u;
/** Digits of a quotient, as in the API's answers. */
const SIGNIFICANT = 12;

/** Parses a plain decimal such as `747.10`. Returns undefined for anything else. */
export function parseUnits(text: string): Units | undefined {
  const match = PLAIN_DECIMAL.exec(text);
  if (!match) {
    return;
  }
  const [, whole = "", fraction = ""] = match;
  return BigInt(whole + fraction.padEnd(DIGITS, "0"));
}

/** Formats non-negative units as a plain decimal without trailing zeros, such as `747.1`. */
export function unitsText(units: Units): string {
  const fraction = String(units % ONE)
    .padStart(DIGITS, "0")
    .replace(ENDING_ZEROS, "");
  const whole = String(units / ONE);
  return fraction === "" ? whole : `${whole}.${fraction}`;
}

/** Converts units to a number. Precise enough to position a pixel. */
export function approximate(units: Units): number {
  return Number(units) / Number(ONE);
}

/** Divides, and rounds to 12 significant digits and at most 12 decimal places. */
export function quotient(dividend: Units, divisor: Units): string {
  if (divisor === 0n) {
    return "0";
  }
  const units = (dividend * ONE + divisor / 2n) / divisor;
  const surplus = Math.max(0, String(units).length - SIGNIFICANT);
  const power = 10n ** BigInt(surplus);
  return unitsText(((units + power / 2n) / power) * power);
}
