/** Formatting of values. Amounts are processed as text, digit by digit, so that they are shown exactly. */

const PLAIN_DECIMAL = /^(\d+)(?:\.(\d+))?$/u;
const SPACES = /\s/gu;
const THOUSANDS = /\B(?=(?:\d{3})+$)/gu;
const COUNTRY_CODE = /^[A-Z]{2}$/u;

/** Returns a formatter of exact decimals with a locale's separators: `1234567.80` becomes `1,234,567.80`. */
export function decimalFormat(locale?: string): (amount: string) => string {
  const { group, point } = separators(locale);
  return (amount) => {
    const match = PLAIN_DECIMAL.exec(amount);
    if (!match) {
      return amount;
    }
    const [, whole = "", fraction] = match;
    const grouped = whole.replace(THOUSANDS, group);
    return fraction === undefined ? grouped : grouped + point + fraction;
  };
}

/**
 * Returns the inverse of decimalFormat: a parser of typed text. Text that does not use the locale's
 * separators is returned as it is, such as `747.10` where the locale expects `747,10`.
 */
export function decimalReader(locale?: string): (typed: string) => string {
  const { group, point } = separators(locale);
  const separator = group.replace(SPACES, " ");
  const pattern = new RegExp(`^(?:\\d+|\\d{1,3}(?:[${separator}]\\d{3})+)(?:[${point}]\\d+)?$`, "u");
  return (typed) => {
    const text = typed.trim().replace(SPACES, " ");
    return pattern.test(text) ? text.replaceAll(separator, "").replace(point, ".") : text;
  };
}

function separators(locale?: string): Readonly<Record<"group" | "point", string>> {
  const parts = new Intl.NumberFormat(locale, { numberingSystem: "latn" }).formatToParts(1_234_567.8);
  return {
    group: parts.find((part) => part.type === "group")?.value ?? "",
    point: parts.find((part) => part.type === "decimal")?.value ?? ".",
  };
}

/**
 * Returns the decimals that an amount lacks to `places`. Added invisibly, they align the decimal points of a
 * column.
 */
export function padding(amount: string, places: number): string {
  const point = amount.indexOf(".");
  return point === -1
    ? `.${"0".repeat(places)}`
    : "0".repeat(Math.max(0, places - (amount.length - point - 1)));
}

/** Formats a duration with the precision of a glance. */
export function duration(ms: number): string {
  if (ms < 999.5) {
    return `${Math.round(ms)} ms`;
  }
  const seconds = ms / 1000;
  if (seconds < 99.95) {
    return `${seconds.toFixed(1)} s`;
  }
  return seconds < 6000 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

/** Formats a rate with one decimal below 100. */
export function perSecond(rate: number): string {
  const digits = rate < 99.95 ? 1 : 0;
  return new Intl.NumberFormat(undefined, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(rate);
}

/** Returns a function from country codes to names. Codes without a name are returned unchanged. */
export function countryNames(locale?: string): (code: string) => string {
  const names = new Intl.DisplayNames(locale, { type: "region" });
  const known = new Map<string, string>();
  return (code) => {
    if (!COUNTRY_CODE.test(code)) {
      return code;
    }
    const name = known.get(code) ?? names.of(code) ?? code;
    known.set(code, name);
    return name;
  };
}
