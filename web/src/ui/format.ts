/** How values look. Amounts are handled as text, digit by digit: what was traded is what is shown. */

const PLAIN_DECIMAL = /^(\d+)(?:\.(\d+))?$/u;
const BLANKS = /\s/gu;
const THOUSANDS = /\B(?=(?:\d{3})+$)/gu;
const COUNTRY_CODE = /^[A-Z]{2}$/u;

/** A formatter of exact decimals with a locale's signs: `1234567.80` becomes `1,234,567.80`. */
export function decimalFormat(locale?: string): (amount: string) => string {
  const { group, point } = signs(locale);
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
 * The other way round: what was typed with a locale's signs becomes a plain decimal. What is not written with them
 * stays as it is, such as `747.10` where it should have been `747,10`.
 */
export function decimalReader(locale?: string): (typed: string) => string {
  const { group, point } = signs(locale);
  const blank = group.replace(BLANKS, " ");
  const usual = new RegExp(`^(?:\\d+|\\d{1,3}(?:[${blank}]\\d{3})+)(?:[${point}]\\d+)?$`, "u");
  return (typed) => {
    const text = typed.trim().replace(BLANKS, " ");
    return usual.test(text) ? text.replaceAll(blank, "").replace(point, ".") : text;
  };
}

function signs(locale?: string): Readonly<Record<"group" | "point", string>> {
  const parts = new Intl.NumberFormat(locale, { numberingSystem: "latn" }).formatToParts(1_234_567.8);
  return {
    group: parts.find((part) => part.type === "group")?.value ?? "",
    point: parts.find((part) => part.type === "decimal")?.value ?? ".",
  };
}

/** What an amount lacks to the usual places behind the point: unseen, it keeps the points below each other. */
export function padding(amount: string, places: number): string {
  const point = amount.indexOf(".");
  return point === -1
    ? `.${"0".repeat(places)}`
    : "0".repeat(Math.max(0, places - (amount.length - point - 1)));
}

/** A span of time with the precision that one can take in at a glance. */
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

/** Messages a second: one digit behind the point as long as it matters. */
export function perSecond(rate: number): string {
  const digits = rate < 99.95 ? 1 : 0;
  return new Intl.NumberFormat(undefined, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(rate);
}

/** A function from country codes to names; the code itself where there is no name. */
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
