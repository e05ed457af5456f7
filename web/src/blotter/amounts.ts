/** Amounts where there is little room: a number that is cut off would be taken for a smaller one. */

import { decimalFormat } from "../ui/format.ts";

const PLACES_MAX = 9;
/** Below this, fixed places would leave hardly a digit that counts. */
const FIXED_FROM = 0.001;

/** A formatter that gives what fits into `room` characters as it is, and of the rest the greatest digits, after `≈`. */
export function roomFormat(room: number, locale?: string): (amount: string) => string {
  const exact = decimalFormat(locale);
  return (amount) => {
    const text = exact(amount);
    const number = Number(amount);
    if (text.length <= room || Number.isNaN(number)) {
      return text;
    }
    for (let places = PLACES_MAX; places >= 0 && number >= FIXED_FROM; places -= 1) {
      const rounded = `≈${exact(number.toFixed(places))}`;
      if (rounded.length <= room) {
        return rounded;
      }
    }
    const [mantissa = "", exponent = ""] = number.toExponential(3).split("e");
    return `≈${exact(mantissa)}e${exponent.replace("+", "")}`;
  };
}
