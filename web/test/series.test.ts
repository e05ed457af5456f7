/** The chart over time: curves and texts. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { NO_FILTERS } from "../src/filters/filters.ts";
import { Focus, focused } from "../src/series/focus.ts";
import { Labels, noneText, type Topic } from "../src/series/labels.ts";
import { allSteps, columns, stepAt } from "../src/series/steps.ts";
import { COUNT_INCREMENTS, numberLabels, timeLabel, timeTicks, zoneOffset } from "../src/series/ticks.ts";
import type { Money, PairStats, Stats, StepStats } from "../src/server/stats.ts";
import type { StatsSnapshot } from "../src/server/stats-poller.ts";
import { parseUnits } from "../src/trade/decimal.ts";
import { TEN } from "./helpers.ts";

const MINUTE = 60_000;
const TRADES: Topic = { subject: "trades", pair: undefined, isSelected: false };
const RATE: Topic = { subject: "rate", pair: { from: "EUR", to: "GBP" }, isSelected: true };

function units(text: string): bigint {
  return parseUnits(text) ?? 0n;
}

function money(low: string, last: string, high: string): Money {
  return {
    sold: units("1234567.1"),
    bought: units("900000"),
    open: units(low),
    high: units(high),
    low: units(low),
    last: units(last),
  };
}

function step(minute: number, count: number, traded?: Money): StepStats {
  return { startMs: TEN + minute * MINUTE, count, flagged: 0, money: traded };
}

function stats(series: readonly StepStats[], pairs: readonly PairStats[] = []): Stats {
  return {
    sinceMs: TEN,
    untilMs: TEN + 4 * MINUTE,
    stepMs: MINUTE,
    basis: undefined,
    total: { count: 0, flagged: 0 },
    pairs,
    morePairs: 0,
    countries: [],
    series,
  };
}

function pair(from: string, to: string, count: number): PairStats {
  return { from, to, count, flagged: 0, ...money("1", "1", "1") };
}

function snapshot(changes: Partial<StatsSnapshot>): StatsSnapshot {
  return {
    trades: undefined,
    countries: undefined,
    pairs: undefined,
    focus: undefined,
    today: undefined,
    answeredMs: undefined,
    error: "",
    ...changes,
  };
}

it("a minute without trades has zero trades and no rate", () => {
  const steps = allSteps(stats([step(1, 5, money("0.7", "0.8", "0.9"))]), TEN + 4 * MINUTE);
  const seconds = [0, 60, 120, 180].map((second) => TEN / 1000 + second);
  assert.deepEqual(columns(steps, "trades"), [seconds, [0, 5, 0, 0]]);
  assert.deepEqual(columns(steps, "volume"), [seconds, [0, 1_234_567.1, 0, 0]]);
  const rates = ["high", "low", "last"].map((_, index) => [null, [0.9, 0.7, 0.8][index], null, null]);
  assert.deepEqual(columns(steps, "rate"), [seconds, ...rates]);
});

it("steps outside the range are not drawn", () => {
  const { list } = allSteps(stats([step(-1, 5), step(4, 6), step(3, 7)]), TEN);
  assert.deepEqual(
    list.map((each) => each?.count),
    [undefined, undefined, undefined, 7],
  );
});

it("steps start at whole minutes, and cover a range that does not", () => {
  const range = { ...stats([step(0, 5)]), sinceMs: TEN + 1, untilMs: TEN + MINUTE + 1 };
  const { sinceMs, untilMs, list } = allSteps(range, TEN);
  assert.deepEqual([sinceMs, untilMs, list.length, list[0]?.count], [TEN, TEN + 2 * MINUTE, 2, 5]);
});

it("without a start, the steps begin with the first trade", () => {
  const { sinceMs, list } = allSteps({ ...stats([step(-40, 5), step(3, 1)]), sinceMs: 0 }, TEN);
  assert.deepEqual([sinceMs, list.length], [TEN - 40 * MINUTE, 44]);
  assert.deepEqual(
    [list[0], list.at(-1)].map((each) => each?.count),
    [5, 1],
  );
});

it("a time belongs to the step that contains it, or to the nearest", () => {
  const steps = allSteps(stats([]), TEN);
  const times = [-5, 0, 59_999, 60_000, 239_999, 900_000];
  assert.deepEqual(
    times.map((ms) => stepAt(steps, TEN + ms)),
    [0, 0, 0, 1, 3, 3],
  );
});

it("unfinished steps are not counted as complete", () => {
  const completeAt = (minutes: number): number => allSteps(stats([]), TEN + minutes * MINUTE).complete;
  assert.deepEqual([0.5, 1, 3.9, 4, 9].map(completeAt), [1, 1, 3, 4, 4]);
});

it("time ticks are round in local time", () => {
  assert.deepEqual(
    timeTicks(50, 250, 60, () => 0),
    [60, 120, 180, 240],
  );
  assert.deepEqual(
    timeTicks(50, 7300, 3600, () => 1800),
    [1800, 5400],
  );
  assert.deepEqual(
    timeTicks(10, 20, 60, () => 0),
    [],
  );
  assert.equal(zoneOffset(TEN, "utc"), 0);
});

it("ticks in local time stay at full hours across a change of the clock", () => {
  const hour = 3600;
  const spring = 10 * hour;
  const offsetAt = (seconds: number): number => (seconds < spring ? hour : 2 * hour);
  const localHours = (utc: readonly number[]): number[] =>
    utc.map((seconds) => (seconds + offsetAt(seconds)) / hour);
  assert.deepEqual(localHours(timeTicks(0, 20 * hour, 6 * hour, offsetAt)), [6, 12, 18]);
  const autumn = (seconds: number): number => (seconds < spring ? 2 * hour : hour);
  const ticks = timeTicks(0, 20 * hour, 6 * hour, autumn);
  assert.deepEqual(
    ticks.map((seconds) => (seconds + autumn(seconds)) / hour),
    [6, 12, 18],
  );
});

it("midnight is labelled with its date", () => {
  assert.equal(timeLabel(TEN, "utc"), "10:00");
  assert.equal(timeLabel(TEN + 14 * 60 * MINUTE, "utc"), "11-25");
});

it("axis labels have just enough digits", () => {
  assert.deepEqual(numberLabels([0, 50, 100], 50, "en"), ["0", "50", "100"]);
  assert.deepEqual(numberLabels([0.915, 0.92], 0.005, "en"), ["0.915", "0.920"]);
  assert.deepEqual(numberLabels([0, 25_000, 150_000], 25_000, "en"), ["0", "25K", "150K"]);
  assert.deepEqual(numberLabels([0, 5e17, 1e18], 5e17, "en"), ["0E0", "5E17", "1E18"]);
  assert.deepEqual(numberLabels([], 1, "en"), []);
});

it("every axis label states its number exactly, whatever the range", () => {
  const magnitudes = new Map([
    ["", 1],
    ["K", 1e3],
    ["M", 1e6],
    ["B", 1e9],
    ["T", 1e12],
  ]);
  for (let exponent = -9; exponent <= 16; exponent += 1) {
    for (const factor of [1, 2, 2.5, 5]) {
      for (const start of [0, 1, 7, 40, 999]) {
        const increment = Number(`${factor}e${exponent}`);
        const values = [0, 1, 2, 3, 4].map((index) => Number(((start + index) * increment).toPrecision(15)));
        for (const [index, label] of numberLabels(values, increment, "en").entries()) {
          const [, digits = "", unit = ""] = /^([-\d.,E]+)([KMBT]?)$/.exec(label) ?? [];
          const stated =
            Number(`${Number(digits.replaceAll(",", ""))}`) * (magnitudes.get(unit) ?? Number.NaN);
          assert.equal(Number(stated.toPrecision(15)), values[index], `${label} in steps of ${increment}`);
        }
      }
    }
  }
});

it("the axis of a count has whole steps", () => {
  assert.ok(COUNT_INCREMENTS.every(Number.isInteger));
  assert.deepEqual(COUNT_INCREMENTS.slice(0, 5), [1, 2, 5, 10, 20]);
});

it("a readout is exact, and marks an unfinished step", () => {
  const labels = new Labels("en");
  const steps = allSteps(
    stats([step(1, 1, money("0.7", "0.747100000001", "0.9")), step(3, 1234)]),
    TEN + 3.5 * MINUTE,
  );
  assert.equal(labels.readout(TRADES, steps, 0, "utc"), "10:00 UTC · 0 trades");
  assert.equal(labels.readout(TRADES, steps, 1, "utc"), "10:01 UTC · 1 trade");
  assert.equal(labels.readout(TRADES, steps, 3, "utc"), "10:03 UTC · 1,234 trades so far");
  assert.equal(
    labels.readout({ ...RATE, subject: "volume" }, steps, 1, "utc"),
    "10:01 UTC · 1,234,567.1 EUR",
  );
  assert.equal(labels.readout(RATE, steps, 1, "utc"), "10:01 UTC · last 0.747100000001 · low 0.7 · high 0.9");
  assert.equal(labels.readout(RATE, steps, 2, "utc"), "10:02 UTC · not traded");
});

it("times have their date if the steps span several days", () => {
  const steps = allSteps({ ...stats([]), untilMs: TEN + 2 * 86_400_000, stepMs: 3_600_000 }, TEN);
  assert.equal(new Labels("en").readout(TRADES, steps, 20, "utc"), "11-25 06:00 UTC · 0 trades so far");
});

it("the summary has the latest, highest and lowest of the complete steps", () => {
  const steps = allSteps(stats([step(0, 5), step(1, 9), step(3, 100)]), TEN + 3.5 * MINUTE);
  assert.equal(
    new Labels("en").summary(TRADES, steps, "in the last 15 minutes", "utc"),
    "Trades a minute in the last 15 minutes. Latest: 10:02 UTC · 0 trades. " +
      "Highest: 10:01 UTC · 9 trades. Lowest: 10:02 UTC · 0 trades.",
  );
});

it("the summary of rates uses each step's high and low", () => {
  const series = [step(0, 1, money("0.1", "0.5", "0.6")), step(1, 1, money("0.4", "0.45", "0.9"))];
  const summary = new Labels("en").summary(
    RATE,
    allSteps(stats(series), TEN + 4 * MINUTE),
    "in the last hour",
    "utc",
  );
  assert.equal(
    summary,
    "Rate · EUR→GBP in the last hour. Latest: 10:01 UTC · last 0.45 · low 0.4 · high 0.9. " +
      "Highest: 10:01 UTC · last 0.45 · low 0.4 · high 0.9. " +
      "Lowest: 10:00 UTC · last 0.5 · low 0.1 · high 0.6.",
  );
  const none = allSteps(stats([]), TEN + 4 * MINUTE);
  assert.equal(new Labels("en").summary(RATE, none, "in the last hour", "utc"), "");
});

it("captions name the pair, and whether it was selected", () => {
  const labels = new Labels("en");
  assert.equal(labels.caption(TRADES, MINUTE), "Trades a minute");
  assert.equal(labels.caption({ ...RATE, subject: "trades" }, 3_600_000), "Trades an hour · EUR→GBP");
  assert.equal(
    labels.caption({ ...RATE, subject: "volume", isSelected: false }, MINUTE),
    "Sold a minute · EUR→GBP (busiest)",
  );
});

it("without trades, the curve is replaced by a sentence", () => {
  assert.equal(noneText(TRADES, "in the last hour"), "No trades in the last hour.");
  assert.equal(noneText(RATE, "in the last 7 days"), "EUR→GBP was not traded in the last 7 days.");
  assert.equal(noneText(RATE, ""), "EUR→GBP was not traded.");
});

it("the filtered pair is shown, else the busiest that matches", () => {
  const pairs = [pair("EUR", "USD", 9), pair("USD", "JPY", 5)];
  const focus = new Focus();
  assert.equal(focus.pair(NO_FILTERS, undefined), undefined);
  assert.deepEqual(focus.pair({ ...NO_FILTERS, from: "CHF", to: "SEK" }, pairs), { from: "CHF", to: "SEK" });
  assert.deepEqual(focus.pair(NO_FILTERS, pairs), { from: "EUR", to: "USD" });
  assert.deepEqual(focus.pair({ ...NO_FILTERS, from: "USD" }, pairs), { from: "USD", to: "JPY" });
});

it("two about equally busy pairs do not alternate", () => {
  const focus = new Focus();
  const eur = { from: "EUR", to: "USD" };
  assert.deepEqual(focus.pair(NO_FILTERS, [pair("EUR", "USD", 100), pair("USD", "EUR", 99)]), eur);
  assert.deepEqual(focus.pair(NO_FILTERS, [pair("USD", "EUR", 110), pair("EUR", "USD", 100)]), eur);
  const taken = focus.pair(NO_FILTERS, [pair("USD", "EUR", 200), pair("EUR", "USD", 100)]);
  assert.deepEqual(taken, { from: "USD", to: "EUR" });
});

it("stats of the previous pair are not shown for the current one", () => {
  const focus = stats([], [pair("EUR", "USD", 1)]);
  assert.equal(focused(snapshot({ focus }), { from: "EUR", to: "USD" }), focus);
  assert.equal(focused(snapshot({ focus }), { from: "USD", to: "EUR" }), undefined);
  assert.equal(focused(snapshot({ focus }), undefined), undefined);
});
