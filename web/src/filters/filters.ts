/** The filters that select trades. A filter matches exactly as it does in `GET /api/messages`. */

import { COUNTRIES } from "../trade/codes.ts";
import { CURRENCIES } from "../trade/currencies.ts";
import { parseUnits, type Units } from "../trade/decimal.ts";
import type { TradeEvent } from "../trade/event.ts";
import { FIELDS, type Field, type FieldFilter } from "../trade/fields.ts";

const OWN_NAMES = ["from", "to", "country", "user", "flag", "min", "max", "q"] as const;

type OwnName = (typeof OWN_NAMES)[number];

export type FilterName = OwnName | FieldFilter;

type ExactFilter = Field & { readonly filter: FieldFilter };

/** The filters that compare a field with an exact value. */
const EXACT = FIELDS.filter((field): field is ExactFilter => field.filter !== undefined);

/** In the order in which they are shown, and written into an address. */
export const FILTER_NAMES: readonly FilterName[] = [
  ...new Set<FilterName>([...OWN_NAMES, ...EXACT.map(({ filter }) => filter)]),
];

/** Values as the API takes them; an empty string means no filter. Never changed in place. */
export type Filters = Readonly<Record<FilterName, string>>;

export const NO_FILTERS = Object.fromEntries(FILTER_NAMES.map((name) => [name, ""])) as Filters;

const SEARCH_CHARS_MAX = 128;
const CONTROL = /\p{Cc}/u;
const FLAG = /^[a-z0-9-]{1,64}$/u;
const AMOUNT = /^\d{1,18}(?:\.\d{1,12})?$/u;
const WHITE_SPACE = /\s/u;
const UPPER = /[A-Z]+/gu;
const LOWER = /[a-z]+/gu;

/** Normalizes a value as the API does. Returns undefined if the API would refuse it. */
export function readFilter(name: FilterName, text: string): string | undefined {
  const field = EXACT.find(({ filter }) => filter === name);
  const value = field?.kind === "text" ? text : text.trim();
  if (value === "") {
    return "";
  }
  if (field) {
    return readExact(field, value);
  }
  switch (name) {
    case "flag":
      return matchPattern(FLAG, value);
    case "min":
    case "max":
      return matchPattern(AMOUNT, value);
    default:
      return isPlain(value, SEARCH_CHARS_MAX) ? value : undefined;
  }
}

function readExact({ kind, maxChars }: Field, value: string): string | undefined {
  switch (kind) {
    case "currency":
      return parseCode(CURRENCIES, value);
    case "country":
      return parseCode(COUNTRIES, value);
    default:
      return isPlain(value, maxChars) ? value : undefined;
  }
}

/** Only ASCII letters are upper-cased: some letters of other alphabets have ASCII capitals. */
function parseCode(codes: ReadonlySet<string>, value: string): string | undefined {
  const code = value.replace(LOWER, (letters) => letters.toUpperCase());
  return codes.has(code) ? code : undefined;
}

function matchPattern(pattern: RegExp, value: string): string | undefined {
  return pattern.test(value) ? value : undefined;
}

function isPlain(value: string, charsMax: number): boolean {
  return [...value].length <= charsMax && !CONTROL.test(value);
}

/** Reads the filters from an address. Values that the API would refuse are ignored. */
export function parseFilters(query: URLSearchParams): Filters {
  const entries = FILTER_NAMES.map((name) => [name, readFilter(name, query.get(name) ?? "") ?? ""] as const);
  const filters: Filters = { ...NO_FILTERS, ...Object.fromEntries(entries) };
  return isEmptyRange(filters) ? { ...filters, max: "" } : filters;
}

/** Writes the active filters into a query, for an address or for the API. */
export function writeFilters(filters: Filters, query: URLSearchParams): void {
  for (const name of FILTER_NAMES) {
    if (filters[name] !== "") {
      query.set(name, filters[name]);
    }
  }
}

/** True if `min` exceeds `max`. The API refuses such a range. */
export function isEmptyRange({ min, max }: Filters): boolean {
  return max !== "" && units(min) > units(max);
}

export function isFiltered(filters: Filters): boolean {
  return FILTER_NAMES.some((name) => filters[name] !== "");
}

export function sameFilters(a: Filters, b: Filters): boolean {
  return FILTER_NAMES.every((name) => a[name] === b[name]);
}

/** True if the API would find this trade with these filters. */
export function matches(filters: Filters, trade: TradeEvent): boolean {
  const { flag } = filters;
  return (
    EXACT.every(({ filter, name }) => filters[filter] === "" || trade[name] === filters[filter]) &&
    (flag === "" || trade.flags.includes(flag)) &&
    isInRange(filters, trade.amountSell) &&
    (filters.q === "" || filters.q.split(WHITE_SPACE).every((word) => matchesWord(fold(word), trade)))
  );
}

function isInRange({ min, max }: Filters, amount: string): boolean {
  return (min === "" || units(amount) >= units(min)) && (max === "" || units(amount) <= units(max));
}

function units(amount: string): Units {
  return parseUnits(amount) ?? 0n;
}

/** An empty word matches every trade: each id begins with it. */
function matchesWord(folded: string, trade: TradeEvent): boolean {
  return (
    trade.id.startsWith(folded) ||
    [trade.currencyFrom, trade.currencyTo, trade.originatingCountry].some((code) => fold(code) === folded) ||
    trade.flags.includes(folded) ||
    fold(trade.userId).startsWith(folded)
  );
}

/** The archive's database folds only ASCII letters. */
function fold(text: string): string {
  return text.replace(UPPER, (letters) => letters.toLowerCase());
}
