/** What `GET /api/stats` answers, checked at the door; sums are exact (see decimal.ts). */

import { parseUnits, type Units } from "../trade/decimal.ts";
import { isRecord, parseMicros } from "../trade/event.ts";

export interface Count {
  readonly count: number;
  readonly flagged: number;
}

/** What one pair did; rates are in order of the moment received. */
export interface Money {
  readonly sold: Units;
  readonly bought: Units;
  readonly open: Units;
  readonly high: Units;
  readonly low: Units;
  readonly last: Units;
}

export interface PairFigures extends Count, Money {
  readonly from: string;
  readonly to: string;
}

export interface CountryFigures extends Count {
  readonly country: string;
}

export interface StepFigures extends Count {
  /** Milliseconds since 1970. */
  readonly startMs: number;
  /** Only where one pair is asked for. */
  readonly money: Money | undefined;
}

/** Sums from `sinceMs` to `untilMs`, which are whole steps. Never changed in place. */
export interface Figures {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly stepMs: number;
  readonly total: Count;
  /** Most messages first. */
  readonly pairs: readonly PairFigures[];
  /** How many pairs there are beyond those that are listed. */
  readonly morePairs: number;
  /** Most messages first. */
  readonly countries: readonly CountryFigures[];
  /** Oldest first; steps without a message are left out. */
  readonly series: readonly StepFigures[];
}

type Raw = Readonly<Record<string, unknown>>;

/** The figures in an answer. Throws where it makes no sense: a half of them would be a lie. */
export function parseFigures(answer: unknown): Figures {
  const raw = record(answer);
  return {
    sinceMs: moment(raw["since"]),
    untilMs: moment(raw["until"]),
    stepMs: whole(raw["step"]) * 1000,
    total: parseCount(record(raw["total"])),
    pairs: list(raw["pairs"]).map((pair) => ({
      from: text(pair["currencyFrom"]),
      to: text(pair["currencyTo"]),
      ...parseCount(pair),
      ...parseMoney(pair, "last"),
    })),
    morePairs: whole(raw["morePairs"]),
    countries: list(raw["countries"]).map((country) => ({
      country: text(country["country"]),
      ...parseCount(country),
    })),
    series: list(raw["series"]).map((step) => ({
      startMs: moment(step["start"]),
      ...parseCount(step),
      money: step["sold"] === undefined ? undefined : parseMoney(step, "close"),
    })),
  };
}

function parseCount(raw: Raw): Count {
  return { count: whole(raw["count"]), flagged: whole(raw["flagged"]) };
}

function parseMoney(raw: Raw, last: "last" | "close"): Money {
  return {
    sold: units(raw["sold"]),
    bought: units(raw["bought"]),
    open: units(raw["open"]),
    high: units(raw["high"]),
    low: units(raw["low"]),
    last: units(raw[last]),
  };
}

function record(value: unknown): Raw {
  return isRecord(value) ? value : fail("an object", value);
}

function list(value: unknown): readonly Raw[] {
  return Array.isArray(value) ? value.map(record) : fail("a list", value);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : fail("a text", value);
}

function whole(value: unknown): number {
  return Number.isSafeInteger(value) ? Number(value) : fail("a whole number", value);
}

function units(value: unknown): Units {
  return parseUnits(text(value)) ?? fail("an amount", value);
}

function moment(value: unknown): number {
  const micros = parseMicros(text(value));
  return micros === undefined ? fail("a moment", value) : micros / 1000;
}

function fail(wanted: string, value: unknown): never {
  throw new Error(`the statistics have ${String(value)} where ${wanted} should be`);
}
