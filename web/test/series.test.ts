/** What the chart over time draws and says. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { NO_FILTERS } from "../src/filters/filters.ts";
import { Focus, focused } from "../src/series/focus.ts";
import { remark, type Topic, Words } from "../src/series/labels.ts";
import { allSteps, columns, stepAt } from "../src/series/steps.ts";
import { numberLabels, timeLabel, timeTicks, zoneOffset } from "../src/series/ticks.ts";
import type { Figures, Money, PairFigures, StepFigures } from "../src/server/stats.ts";
import type { Statistics } from "../src/server/stats-poller.ts";
import { parseUnits } from "../src/trade/decimal.ts";
import { TEN } from "./helpers.ts";

const MINUTE = 60_000;
const MESSAGES: Topic = { subject: "messages", pair: undefined, isChosen: false };
const RATE: Topic = { subject: "rate", pair: { from: "EUR", to: "GBP" }, isChosen: true };

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

function step(minute: number, count: number, traded?: Money): StepFigures {
  return { startMs: TEN + minute * MINUTE, count, flagged: 0, money: traded };
}

function figures(series: readonly StepFigures[], pairs: readonly PairFigures[] = []): Figures {
  return {
    sinceMs: TEN,
    untilMs: TEN + 4 * MINUTE,
    stepMs: MINUTE,
    total: { count: 0, flagged: 0 },
    pairs,
    morePairs: 0,
    countries: [],
    series,
  };
}

function pair(from: string, to: string, count: number): PairFigures {
  return { from, to, count, flagged: 0, ...money("1", "1", "1") };
}

function told(changes: Partial<Statistics>): Statistics {
  return {
    messages: undefined,
    countries: undefined,
    pairs: undefined,
    focus: undefined,
    days: undefined,
    trouble: "",
    leavesOut: "",
    ...changes,
  };
}

it("a minute without a message is zero messages, and no rate", () => {
  const steps = allSteps(figures([step(1, 5, money("0.7", "0.8", "0.9"))]), TEN + 4 * MINUTE);
  const seconds = [0, 60, 120, 180].map((second) => TEN / 1000 + second);
  assert.deepEqual(columns(steps, "messages"), [seconds, [0, 5, 0, 0]]);
  assert.deepEqual(columns(steps, "volume"), [seconds, [0, 1_234_567.1, 0, 0]]);
  const rates = ["high", "low", "last"].map((_, index) => [null, [0.9, 0.7, 0.8][index], null, null]);
  assert.deepEqual(columns(steps, "rate"), [seconds, ...rates]);
});

it("figures outside of their own stretch of time are not drawn", () => {
  const { list } = allSteps(figures([step(-1, 5), step(4, 6), step(3, 7)]), TEN);
  assert.deepEqual(
    list.map((each) => each?.count),
    [undefined, undefined, undefined, 7],
  );
});

it("a moment falls into the step that has begun, or into the nearest", () => {
  const steps = allSteps(figures([]), TEN);
  const moments = [-5, 0, 59_999, 60_000, 239_999, 900_000];
  assert.deepEqual(
    moments.map((ms) => stepAt(steps, TEN + ms)),
    [0, 0, 0, 1, 3, 3],
  );
});

it("steps that are not over are told from the others", () => {
  const wholeAt = (minutes: number): number => allSteps(figures([]), TEN + minutes * MINUTE).whole;
  assert.deepEqual([0.5, 1, 3.9, 4, 9].map(wholeAt), [1, 1, 3, 4, 4]);
});

it("marks of time are whole by the clock on the wall", () => {
  assert.deepEqual(timeTicks(50, 250, 60, 0), [60, 120, 180, 240]);
  assert.deepEqual(timeTicks(50, 7300, 3600, 1800), [1800, 5400]);
  assert.deepEqual(timeTicks(10, 20, 60, 0), []);
  assert.equal(zoneOffset(TEN, "utc"), 0);
});

it("midnight is called by its day", () => {
  assert.equal(timeLabel(TEN, "utc"), "10:00");
  assert.equal(timeLabel(TEN + 14 * 60 * MINUTE, "utc"), "11-25");
});

it("numbers at an axis have the digits that tell them apart", () => {
  assert.deepEqual(numberLabels([0, 50, 100], 50, "en"), ["0", "50", "100"]);
  assert.deepEqual(numberLabels([0.915, 0.92], 0.005, "en"), ["0.915", "0.920"]);
  assert.deepEqual(numberLabels([0, 25_000, 150_000], 25_000, "en"), ["0", "25K", "150K"]);
  assert.deepEqual(numberLabels([0, 5e17, 1e18], 5e17, "en"), ["0E0", "5E17", "1E18"]);
  assert.deepEqual(numberLabels([], 1, "en"), []);
});

it("what is read out is exact, and says when a step is not over", () => {
  const words = new Words("en");
  const steps = allSteps(
    figures([step(1, 1, money("0.7", "0.747100000001", "0.9")), step(3, 1234)]),
    TEN + 3.5 * MINUTE,
  );
  assert.equal(words.readOut(MESSAGES, steps, 0, "utc"), "10:00 UTC · 0 trades");
  assert.equal(words.readOut(MESSAGES, steps, 1, "utc"), "10:01 UTC · 1 trade");
  assert.equal(words.readOut(MESSAGES, steps, 3, "utc"), "10:03 UTC · 1,234 trades so far");
  assert.equal(words.readOut({ ...RATE, subject: "volume" }, steps, 1, "utc"), "10:01 UTC · 1,234,567.1 EUR");
  assert.equal(words.readOut(RATE, steps, 1, "utc"), "10:01 UTC · last 0.747100000001 · low 0.7 · high 0.9");
  assert.equal(words.readOut(RATE, steps, 2, "utc"), "10:02 UTC · not traded");
});

it("moments have their day where there are several", () => {
  const steps = allSteps({ ...figures([]), untilMs: TEN + 2 * 86_400_000, stepMs: 3_600_000 }, TEN);
  assert.equal(new Words("en").readOut(MESSAGES, steps, 20, "utc"), "11-25 06:00 UTC · 0 trades so far");
});

it("the summary tells latest, highest and lowest of what is over", () => {
  const steps = allSteps(figures([step(0, 5), step(1, 9), step(3, 100)]), TEN + 3.5 * MINUTE);
  assert.equal(
    new Words("en").summary(MESSAGES, steps, "15m", "utc"),
    "Trades a minute, over the last 15 minutes. Latest: 10:02 UTC · 0 trades. " +
      "Highest: 10:01 UTC · 9 trades. Lowest: 10:02 UTC · 0 trades.",
  );
});

it("the summary of rates goes by each step's own high and low", () => {
  const series = [step(0, 1, money("0.1", "0.5", "0.6")), step(1, 1, money("0.4", "0.45", "0.9"))];
  const summary = new Words("en").summary(RATE, allSteps(figures(series), TEN + 4 * MINUTE), "1h", "utc");
  assert.equal(
    summary,
    "Rate · EUR→GBP, over the last hour. Latest: 10:01 UTC · last 0.45 · low 0.4 · high 0.9. " +
      "Highest: 10:01 UTC · last 0.45 · low 0.4 · high 0.9. " +
      "Lowest: 10:00 UTC · last 0.5 · low 0.1 · high 0.6.",
  );
  const none = allSteps(figures([]), TEN + 4 * MINUTE);
  assert.equal(new Words("en").summary(RATE, none, "1h", "utc"), "");
});

it("captions say of whom the figures are, and how that one was chosen", () => {
  const words = new Words("en");
  assert.equal(words.caption(MESSAGES, MINUTE), "Trades a minute");
  assert.equal(words.caption({ ...RATE, subject: "messages" }, 3_600_000), "Trades an hour · EUR→GBP");
  assert.equal(
    words.caption({ ...RATE, subject: "volume", isChosen: false }, MINUTE),
    "Sold a minute · EUR→GBP (busiest)",
  );
});

it("instead of a curve there are words: what is loading, missing or empty", () => {
  const empty = figures([]);
  assert.equal(remark(MESSAGES, undefined, told({}), "1h"), "Loading…");
  assert.equal(remark(MESSAGES, undefined, told({ trouble: "No luck." }), "1h"), "No figures.");
  assert.equal(remark(MESSAGES, empty, told({}), "1h"), "Nothing was traded in the last hour.");
  assert.equal(remark(RATE, empty, told({}), "7d"), "EUR→GBP was not traded in the last 7 days.");
  assert.equal(remark(RATE, undefined, told({ pairs: empty }), "1h"), "Loading…");
  assert.equal(
    remark({ ...RATE, pair: undefined }, undefined, told({ pairs: empty }), "1h"),
    "Nothing was traded in the last hour.",
  );
  const some = figures([step(1, 1)]);
  assert.equal(remark(MESSAGES, some, told({}), "1h"), "");
  assert.equal(remark(MESSAGES, some, told({ trouble: "No luck." }), "1h"), "");
});

it("the pair that is filtered is shown, else the busiest that fits", () => {
  const pairs = [pair("EUR", "USD", 9), pair("USD", "JPY", 5)];
  const focus = new Focus();
  assert.equal(focus.pair(NO_FILTERS, undefined), undefined);
  assert.deepEqual(focus.pair({ ...NO_FILTERS, from: "CHF", to: "SEK" }, pairs), { from: "CHF", to: "SEK" });
  assert.deepEqual(focus.pair(NO_FILTERS, pairs), { from: "EUR", to: "USD" });
  assert.deepEqual(focus.pair({ ...NO_FILTERS, from: "USD" }, pairs), { from: "USD", to: "JPY" });
});

it("two pairs that are about equally busy don't take turns", () => {
  const focus = new Focus();
  const eur = { from: "EUR", to: "USD" };
  assert.deepEqual(focus.pair(NO_FILTERS, [pair("EUR", "USD", 100), pair("USD", "EUR", 99)]), eur);
  assert.deepEqual(focus.pair(NO_FILTERS, [pair("USD", "EUR", 110), pair("EUR", "USD", 100)]), eur);
  const taken = focus.pair(NO_FILTERS, [pair("USD", "EUR", 200), pair("EUR", "USD", 100)]);
  assert.deepEqual(taken, { from: "USD", to: "EUR" });
});

it("figures of the pair before are not taken for those of this one", () => {
  const focus = figures([], [pair("EUR", "USD", 1)]);
  assert.equal(focused(told({ focus }), { from: "EUR", to: "USD" }), focus);
  assert.equal(focused(told({ focus }), { from: "USD", to: "EUR" }), undefined);
  assert.equal(focused(told({ focus }), undefined), undefined);
});
