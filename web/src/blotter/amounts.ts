/** Formatting of amounts in narrow columns. A truncated number would be mistaken for a smaller one. */

import { decimalFormat } from "../ui/format.ts";

const PLACES_MAX = 9;
/** Below this, fixed-point digits would hardly carry information. */
const FIXED_FROM = 0.001;

/** Returns a formatter that rounds amounts longer than `maxChars`, and marks them with `≈`. */
export function shortFormat(maxChars: number, locale?: string): (amount: string) => string {
  const exact = decimalFormat(locale);
  return (amount) => {
    const text = exact(amount);
    const number = Number(amount);
    if (text.length <= maxChars || Number.isNaN(number)) {
      return text;
    }
    for (let places = PLACES_MAX; places >= 0 && number >= FIXED_FROM; places -= 1) {
      const rounded = `≈${exact(number.toFixed(places))}`;
      if (rounded.length <= maxChars) {
        return rounded;
      }
    }
    const [mantissa = "", exponent = ""] = number.toExponential(3).split("e");
    return `≈${exact(mantissa)}e${exponent.replace("+", "")}`;
  };
}
