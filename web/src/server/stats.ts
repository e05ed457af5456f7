/** The answer of `GET /api/stats`, validated. Sums are exact (see decimal.ts). */

import { parseUnits, type Units } from "../trade/decimal.ts";
import { isRecord, parseMicros } from "../trade/json.ts";

export interface Count {
  readonly count: number;
  readonly flagged: number;
}

/** Amounts and rates of one pair. Open and last rate go by time of receipt. */
export interface Money {
  readonly sold: Units;
  readonly bought: Units;
  readonly open: Units;
  readonly high: Units;
  readonly low: Units;
  readonly last: Units;
}

export interface PairStats extends Count, Money {
  readonly from: string;
  readonly to: string;
}

export interface CountryStats extends Count {
  readonly country: string;
}

export interface StepStats extends Count {
  /** Milliseconds since 1970. */
  readonly startMs: number;
  /** Present only if the request is for one pair. */
  readonly money: Money | undefined;
}

/** The newest trades of a range, which alone were read because it has too many for this query. */
export interface Basis {
  readonly newest: number;
  /** The trades read were received since this time, in milliseconds since 1970. */
  readonly sinceMs: number;
}

/** Totals from `sinceMs` to `untilMs`. Steps start at multiples of `stepMs`. Never changed in place. */
export interface Stats {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly stepMs: number;
  /** Undefined if all trades of the range are counted. */
  readonly basis: Basis | undefined;
  readonly total: Count;
  /** Most trades first. */
  readonly pairs: readonly PairStats[];
  /** How many pairs there are besides those listed. */
  readonly morePairs: number;
  /** Most trades first. */
  readonly countries: readonly CountryStats[];
  /** Oldest first, without empty steps. */
  readonly series: readonly StepStats[];
}

type Raw = Readonly<Record<string, unknown>>;

/** Parses an answer. Throws if any part is malformed: partial stats would be wrong. */
export function parseStats(answer: unknown): Stats {
  const raw = record(answer);
  return {
    sinceMs: timestampMs(raw["since"]),
    untilMs: timestampMs(raw["until"]),
    stepMs: integer(raw["step"]) * 1000,
    basis: parseBasis(raw["basis"]),
    total: parseCount(record(raw["total"])),
    pairs: list(raw["pairs"]).map((pair) => ({
      from: text(pair["currencyFrom"]),
      to: text(pair["currencyTo"]),
      ...parseCount(pair),
      ...parseMoney(pair, "last"),
    })),
    morePairs: integer(raw["morePairs"]),
    countries: list(raw["countries"]).map((country) => ({
      country: text(country["country"]),
      ...parseCount(country),
    })),
    series: list(raw["series"]).map((step) => ({
      startMs: timestampMs(step["start"]),
      ...parseCount(step),
      money: step["sold"] === undefined ? undefined : parseMoney(step, "close"),
    })),
  };
}

/** Parses the basis of an answer. Undefined if everything was read. Throws if it is malformed. */
export function parseBasis(answer: unknown): Basis | undefined {
  if (answer === null) {
    return;
  }
  const raw = record(answer);
  return { newest: integer(raw["newest"]), sinceMs: timestampMs(raw["since"]) };
}

function parseCount(raw: Raw): Count {
  return { count: integer(raw["count"]), flagged: integer(raw["flagged"]) };
}

function parseMoney(raw: Raw, last: "last" | "close"): Money {
  return {
    sold: amount(raw["sold"]),
    bought: amount(raw["bought"]),
    open: amount(raw["open"]),
    high: amount(raw["high"]),
    low: amount(raw["low"]),
    last: amount(raw[last]),
  };
}

function record(value: unknown): Raw {
  return isRecord(value) ? value : fail("an object", value);
}

function list(value: unknown): readonly Raw[] {
  return Array.isArray(value) ? value.map(record) : fail("an array", value);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : fail("a string", value);
}

function integer(value: unknown): number {
  return Number.isSafeInteger(value) ? Number(value) : fail("an integer", value);
}

function amount(value: unknown): Units {
  return parseUnits(text(value)) ?? fail("an amount", value);
}

function timestampMs(value: unknown): number {
  const micros = parseMicros(text(value));
  return micros === undefined ? fail("a timestamp", value) : micros / 1000;
}

function fail(expected: string, value: unknown): never {
  throw new Error(`invalid answer: expected ${expected}, got ${String(value)}`);
}
