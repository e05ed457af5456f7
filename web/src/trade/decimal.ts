/**
 * Exact decimal numbers as whole numbers of 10⁻¹²: the API takes no digit behind that.
 *
 * Sums of them are exact, which sums of JavaScript's numbers are not.
 */

export type Units = bigint;

const DIGITS = 12;
const ONE: Units = 10n ** BigInt(DIGITS);
const PLAIN_DECIMAL = /^(\d+)(?:\.(\d{1,12}))?$/u;
const ENDING_ZEROS = /0+$/u;
/** Of a quotient, as the API gives it. */
const SIGNIFICANT = 12;

/** The units of a plain decimal such as `747.10`, or undefined when it is none. */
export function parseUnits(text: string): Units | undefined {
  const match = PLAIN_DECIMAL.exec(text);
  if (!match) {
    return;
  }
  const [, whole = "", fraction = ""] = match;
  return BigInt(whole + fraction.padEnd(DIGITS, "0"));
}

/** As plain decimal, without needless zeros: `747.1`. Never negative. */
export function unitsText(units: Units): string {
  const fraction = String(units % ONE)
    .padStart(DIGITS, "0")
    .replace(ENDING_ZEROS, "");
  const whole = String(units / ONE);
  return fraction === "" ? whole : `${whole}.${fraction}`;
}

/** Good enough for a place on a screen. */
export function approximate(units: Units): number {
  return Number(units) / Number(ONE);
}

/** A quotient to 12 significant digits, as far as these lie before or within 12 places behind the point. */
export function quotient(dividend: Units, divisor: Units): string {
  if (divisor === 0n) {
    return "0";
  }
  const units = (dividend * ONE + divisor / 2n) / divisor;
  const surplus = String(units).length - SIGNIFICANT;
  if (surplus <= 0) {
    return unitsText(units);
  }
  const power = 10n ** BigInt(surplus);
  return unitsText(((units + power / 2n) / power) * power);
}
