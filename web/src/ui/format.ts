/**
 * Formatting of values, in the separators of the reader's locale.
 *
 * All of the page has the digits 0 to 9: ids, times and codes have no others, and two systems in one row would be
 * hard to compare. Amounts are formatted from their text, so that they are shown exactly.
 */

const PLAIN_DECIMAL = /^\d+(?:\.(?<fraction>\d+))?$/u;
const SPACES = /\s/gu;
const DIGIT = /\p{Nd}/u;
const DIGITS = /\p{Nd}/gu;
const ARABIC_SEPARATORS: ReadonlyMap<string, string> = new Map([
  ["\u{66c}", "group"],
  ["\u{66b}", "point"],
]);
const COUNTRY_CODE = /^[A-Z]{2}$/u;

/** Like Intl.NumberFormat, with the page's digits. */
export function numberFormat(options: Intl.NumberFormatOptions = {}, locale?: string): Intl.NumberFormat {
  return new Intl.NumberFormat(locale, { ...options, numberingSystem: "latn" });
}

/** Returns a formatter of exact decimals with a locale's separators: `1234567.80` becomes `1,234,567.80`. */
export function decimalFormat(locale?: string): (amount: string) => string {
  const formats = new Map<number, Intl.NumberFormat>();
  return (amount) => {
    const match = PLAIN_DECIMAL.exec(amount);
    if (!match) {
      return amount;
    }
    const digits = match.groups?.["fraction"]?.length ?? 0;
    const format =
      formats.get(digits) ??
      numberFormat({ minimumFractionDigits: digits, maximumFractionDigits: digits }, locale);
    formats.set(digits, format);
    // A text is formatted exactly, unlike a number.
    return format.format(amount as Intl.StringNumericLiteral);
  };
}

/**
 * Returns the inverse of decimalFormat: a parser of typed text, in the digits of any script. Text that does not
 * use the locale's separators is returned with plain digits, such as `747.10` where the locale expects `747,10`.
 */
export function decimalReader(locale?: string): (typed: string) => string {
  const { group, point } = separators(locale);
  const pattern = new RegExp(
    `^(?:\\d+|\\d{1,3}(?:[${group}]\\d{2,3})*[${group}]\\d{3})(?:[${point}]\\d+)?$`,
    "u",
  );
  return (typed) => {
    const text = typed.trim().replace(SPACES, " ").replaceAll("’", "'").replace(DIGITS, plainDigit);
    const local = [...text].map((char) => localSeparator(char, group, point)).join("");
    return pattern.test(local) ? local.replaceAll(group, "").replace(point, ".") : text;
  };
}

function localSeparator(char: string, group: string, point: string): string {
  const kind = ARABIC_SEPARATORS.get(char);
  if (kind === undefined) {
    return char;
  }
  return kind === "group" ? group : point;
}

/** The digits of each script follow each other, from its zero on. */
function plainDigit(digit: string): string {
  const code = digit.codePointAt(0) ?? 0;
  let value = 0;
  while (value < 9 && DIGIT.test(String.fromCodePoint(code - value - 1))) {
    value += 1;
  }
  return String(value);
}

/** The separators, with plain spaces and apostrophes. */
function separators(locale?: string): Readonly<Record<"group" | "point", string>> {
  const parts = numberFormat({}, locale).formatToParts(12_345_678.9);
  const group = parts.find((part) => part.type === "group")?.value ?? ",";
  return {
    group: group.replace(SPACES, " ").replace("’", "'"),
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
  return numberFormat({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(rate);
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
