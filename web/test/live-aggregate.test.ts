/** A sheet: an answer carried forward by what comes live, and nothing counted twice. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { Sheet } from "../src/server/live-aggregate.ts";
import { type Figures, parseFigures } from "../src/server/stats.ts";
import { today } from "../src/status/today.ts";
import { unitsText } from "../src/trade/decimal.ts";
import { statisticsAnswer as answer, dealAt, EUR_GBP, MONEY, TEN, uuid } from "./helpers.ts";

const ALL = { pair: undefined, country: undefined };

it("an answer is read to the last digit", () => {
  const { pairs, stepMs, sinceMs } = parseFigures(answer());
  assert.equal(stepMs, 60_000);
  assert.equal(sinceMs, TEN - 3_600_000);
  assert.equal(unitsText(pairs[0]?.bought ?? 0n), "75");
});

it("an answer that makes no sense in one place is none", () => {
  for (const changes of [{ total: null }, { step: "60" }, { pairs: [{}] }, { since: "yesterday" }]) {
    assert.throws(() => parseFigures(answer(changes)), /the statistics have/u);
  }
});

it("what is received later than the answer came is added to it, everywhere", () => {
  const sheet = new Sheet(ALL, parseFigures(answer()), TEN + 5000);
  assert.ok(
    sheet.add(dealAt(6, { amountSell: "0.1", amountBuy: "0.09", rate: "0.9", flags: ["rate-mismatch"] })),
  );
  const { total, pairs, countries, series } = sheet.figures;
  assert.deepEqual(total, { count: 11, flagged: 2 });
  assert.deepEqual(countries, [{ country: "FR", count: 11, flagged: 2 }]);
  assert.deepEqual(
    series.map(({ count }) => count),
    [11],
  );
  const [pair] = pairs;
  assert.deepEqual(
    [pair?.sold, pair?.bought, pair?.open, pair?.high, pair?.low, pair?.last].map((units) =>
      unitsText(units ?? 0n),
    ),
    ["100.1", "75.09", "0.7", "0.9", "0.6", "0.9"],
  );
});

it("what was received before the answer came is in it, or in the next one: it is not added", () => {
  const sheet = new Sheet(ALL, parseFigures(answer()), TEN + 5000);
  assert.ok(!sheet.add(dealAt(4)));
  assert.equal(sheet.figures.total.count, 10);
});

it("the last rate is that of the trade received last, of two of one moment by its id, in whatever order they come", () => {
  const sheet = new Sheet({ pair: EUR_GBP, country: undefined }, parseFigures(answer()), TEN);
  sheet.add(dealAt(2, { rate: "0.75", id: uuid(2) }));
  sheet.add(dealAt(2, { rate: "0.74", id: uuid(1) }));
  sheet.add(dealAt(1, { rate: "0.73" }));
  const { pairs, series } = sheet.figures;
  assert.equal(unitsText(pairs[0]?.last ?? 0n), "0.75");
  assert.equal(unitsText(series[0]?.money?.last ?? 0n), "0.75");
});

it("figures that have not changed are the same object, and those that were given out don't change", () => {
  const sheet = new Sheet(ALL, parseFigures(answer()), TEN);
  const before = sheet.figures;
  assert.equal(sheet.figures, before);
  sheet.add(dealAt(1));
  assert.notEqual(sheet.figures, before);
  assert.equal(before.total.count, 10);
});

it("a new pair, a new country and a new minute get their places", () => {
  const sheet = new Sheet(ALL, parseFigures(answer()), TEN);
  for (let second = 60; second < 72; second += 1) {
    sheet.add(dealAt(second, { currencyFrom: "USD", originatingCountry: "US" }));
  }
  const { pairs, countries, series, untilMs } = sheet.figures;
  assert.deepEqual(
    pairs.map(({ from, count }) => [from, count]),
    [
      ["USD", 12],
      ["EUR", 10],
    ],
  );
  assert.deepEqual(
    countries.map(({ country }) => country),
    ["US", "FR"],
  );
  assert.deepEqual(
    series.map(({ startMs, count }) => [startMs, count]),
    [
      [TEN, 10],
      [TEN + 60_000, 12],
    ],
  );
  assert.equal(untilMs, TEN + 120_000);
});

it("only what was asked for is added, and a pair's series has its money", () => {
  const series = [{ start: "2026-11-24T10:00:00Z", count: 10, flagged: 1, ...MONEY, close: "0.7" }];
  const sheet = new Sheet({ pair: EUR_GBP, country: "FR" }, parseFigures(answer({ series })), TEN);
  assert.ok(!sheet.add(dealAt(1, { currencyTo: "USD" })));
  assert.ok(!sheet.add(dealAt(1, { originatingCountry: "DE" })));
  assert.ok(sheet.add(dealAt(1)));
  assert.equal(unitsText(sheet.figures.series[0]?.money?.sold ?? 0n), "1100");
  assert.equal(unitsText(sheet.figures.series[0]?.money?.last ?? 0n), "0.7471");
});

it("today is what came since midnight, UTC", () => {
  const days: Figures = parseFigures(
    answer({
      step: 3600,
      series: [
        { start: "2026-11-23T23:00:00Z", count: 5, flagged: 0 },
        { start: "2026-11-24T00:00:00Z", count: 7, flagged: 0 },
        { start: "2026-11-24T09:00:00Z", count: 1, flagged: 0 },
      ],
    }),
  );
  assert.equal(today(days, TEN), 8);
  assert.equal(today(undefined, TEN), undefined);
});
