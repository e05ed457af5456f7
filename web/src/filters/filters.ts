/**
 * Which trades the reader wants to see: one value that is never changed in place, and means what it means to
 * `GET /api/messages`, word for word.
 */

import { COUNTRIES, CURRENCIES } from "../trade/codes.ts";
import { parseUnits } from "../trade/decimal.ts";
import type { Update } from "../trade/event.ts";

/** In the order in which they are shown and written. */
export const FILTER_NAMES = ["from", "to", "country", "user", "flag", "min", "max", "q"] as const;

export type FilterName = (typeof FILTER_NAMES)[number];

/** Each as the API takes it; the empty text asks for all. */
export type Filters = Readonly<Record<FilterName, string>>;

export const NO_FILTERS: Filters = {
  from: "",
  to: "",
  country: "",
  user: "",
  flag: "",
  min: "",
  max: "",
  q: "",
};

const USER_CHARS_MAX = 64;
const WORDS_CHARS_MAX = 128;
const CONTROL = /\p{Cc}/u;
const FLAG = /^[a-z0-9-]{1,64}$/u;
const AMOUNT = /^\d{1,18}(?:\.\d{1,12})?$/u;
const WHITE_SPACE = /\s+/u;
const CAPITALS = /[A-Z]+/gu;
const SMALL = /[a-z]+/gu;

/** The value that the API would understand, or undefined where it would refuse: see api/kinds.py. */
export function readFilter(name: FilterName, text: string): string | undefined {
  const value = name === "user" ? text : text.trim();
  if (value === "") {
    return "";
  }
  switch (name) {
    case "from":
    case "to":
      return known(CURRENCIES, value);
    case "country":
      return known(COUNTRIES, value);
    case "flag":
      return fitting(FLAG, value);
    case "min":
    case "max":
      return fitting(AMOUNT, value);
    default:
      return isPlain(value, name === "user" ? USER_CHARS_MAX : WORDS_CHARS_MAX) ? value : undefined;
  }
}

/** Other alphabets have letters whose capitals are ASCII: only ASCII's own become capitals. */
function known(codes: ReadonlySet<string>, value: string): string | undefined {
  const code = value.replace(SMALL, (letters) => letters.toUpperCase());
  return codes.has(code) ? code : undefined;
}

function fitting(pattern: RegExp, value: string): string | undefined {
  return pattern.test(value) ? value : undefined;
}

function isPlain(value: string, charsMax: number): boolean {
  return [...value].length <= charsMax && !CONTROL.test(value);
}

/** The filters that an address asks for; what the API would refuse asks for nothing. */
export function parseFilters(query: URLSearchParams): Filters {
  const entries = FILTER_NAMES.map((name) => [name, readFilter(name, query.get(name) ?? "") ?? ""] as const);
  const filters: Filters = { ...NO_FILTERS, ...Object.fromEntries(entries) };
  return isEmptyRange(filters) ? { ...filters, max: "" } : filters;
}

/** Writes the filters that are set into a query, for an address or the API. */
export function writeFilters(filters: Filters, query: URLSearchParams): void {
  for (const name of FILTER_NAMES) {
    if (filters[name] !== "") {
      query.set(name, filters[name]);
    }
  }
}

/** Nothing can be at least `min` and at most `max`: the API refuses to look for it. */
export function isEmptyRange({ min, max }: Filters): boolean {
  return min !== "" && max !== "" && (parseUnits(min) ?? 0n) > (parseUnits(max) ?? 0n);
}

export function isFiltered(filters: Filters): boolean {
  return FILTER_NAMES.some((name) => filters[name] !== "");
}

export function sameFilters(a: Filters, b: Filters): boolean {
  return FILTER_NAMES.every((name) => a[name] === b[name]);
}

/** Whether the API would find this update. */
export function matches(filters: Filters, update: Update): boolean {
  const { from, to, country, user, flag } = filters;
  return (
    (from === "" || update.currencyFrom === from) &&
    (to === "" || update.currencyTo === to) &&
    (country === "" || update.originatingCountry === country) &&
    (user === "" || update.userId === user) &&
    (flag === "" || update.flags.includes(flag)) &&
    isInRange(filters, update.amountSell) &&
    words(filters.q).every((word) => isAbout(word, update))
  );
}

function isInRange({ min, max }: Filters, amount: string): boolean {
  if (min === "" && max === "") {
    return true;
  }
  const sold = parseUnits(amount) ?? 0n;
  return (min === "" || sold >= (parseUnits(min) ?? 0n)) && (max === "" || sold <= (parseUnits(max) ?? 0n));
}

function words(q: string): readonly string[] {
  return q === "" ? [] : q.split(WHITE_SPACE);
}

function isAbout(word: string, update: Update): boolean {
  const folded = fold(word);
  return (
    [update.currencyFrom, update.currencyTo, update.originatingCountry].some(
      (code) => fold(code) === folded,
    ) ||
    update.flags.includes(folded) ||
    fold(update.userId).startsWith(folded) ||
    update.id.startsWith(folded)
  );
}

/** The archive's database knows the case of ASCII's letters only. */
function fold(text: string): string {
  return text.replace(CAPITALS, (letters) => letters.toLowerCase());
}
