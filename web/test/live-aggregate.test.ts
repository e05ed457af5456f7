/** Stats with live trades added, each counted once. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { NO_FILTERS } from "../src/filters/filters.ts";
import { ALL } from "../src/filters/range.ts";
import { EVERYTHING, type Selection } from "../src/filters/selection.ts";
import { LiveAggregate } from "../src/server/live-aggregate.ts";
import { parseStats } from "../src/server/stats.ts";
import { unitsText } from "../src/trade/decimal.ts";
import { statsAnswer as answer, EUR_GBP, MONEY, parsedTradeAt, TEN, uuid } from "./helpers.ts";

const ONE_PAIR: Selection = { filters: { ...NO_FILTERS, ...EUR_GBP }, span: ALL };

it("an answer is parsed exactly", () => {
  const { pairs, stepMs, sinceMs } = parseStats(answer());
  assert.equal(stepMs, 60_000);
  assert.equal(sinceMs, TEN - 3_600_000);
  assert.equal(unitsText(pairs[0]?.bought ?? 0n), "75");
});

it("an answer of the newest trades alone says so", () => {
  const basis = { newest: 1000, since: "2026-11-24T10:00:00Z" };
  assert.deepEqual(parseStats(answer({ basis })).basis, { newest: 1000, sinceMs: TEN });
  assert.equal(parseStats(answer({ basis: null })).basis, undefined);
});

it("an answer with any malformed part is rejected", () => {
  for (const changes of [{ total: null }, { step: "60" }, { pairs: [{}] }, { since: "yesterday" }]) {
    assert.throws(() => parseStats(answer(changes)), /invalid answer/u);
  }
});

it("a trade received after the answer is added to all totals", () => {
  const aggregate = new LiveAggregate(EVERYTHING, parseStats(answer()), TEN + 5000);
  assert.ok(
    aggregate.add(
      parsedTradeAt(6, { amountSell: "0.1", amountBuy: "0.09", rate: "0.9", flags: ["rate-mismatch"] }),
    ),
  );
  const { total, pairs, countries, series } = aggregate.stats;
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

it("a trade received before the answer is not added", () => {
  const aggregate = new LiveAggregate(EVERYTHING, parseStats(answer()), TEN + 5000);
  assert.ok(!aggregate.add(parsedTradeAt(4)));
  assert.equal(aggregate.stats.total.count, 10);
});

it("the last rate is that of the trade received last, or of the greater id, in any order of arrival", () => {
  const aggregate = new LiveAggregate(ONE_PAIR, parseStats(answer()), TEN);
  aggregate.add(parsedTradeAt(2, { rate: "0.75", id: uuid(2) }));
  aggregate.add(parsedTradeAt(2, { rate: "0.74", id: uuid(1) }));
  aggregate.add(parsedTradeAt(1, { rate: "0.73" }));
  const { pairs, series } = aggregate.stats;
  assert.equal(unitsText(pairs[0]?.last ?? 0n), "0.75");
  assert.equal(unitsText(series[0]?.money?.last ?? 0n), "0.75");
});

it("unchanged stats are the same object, and published ones never change", () => {
  const aggregate = new LiveAggregate(EVERYTHING, parseStats(answer()), TEN);
  const before = aggregate.stats;
  assert.equal(aggregate.stats, before);
  aggregate.add(parsedTradeAt(1));
  assert.notEqual(aggregate.stats, before);
  assert.equal(before.total.count, 10);
});

it("new pairs, countries and minutes are added", () => {
  const aggregate = new LiveAggregate(EVERYTHING, parseStats(answer()), TEN);
  for (let second = 60; second < 72; second += 1) {
    aggregate.add(parsedTradeAt(second, { currencyFrom: "USD", originatingCountry: "US" }));
  }
  const { pairs, countries, series, untilMs } = aggregate.stats;
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

it("only selected trades are added, and the series of a pair has amounts", () => {
  const series = [{ start: "2026-11-24T10:00:00Z", count: 10, flagged: 1, ...MONEY, close: "0.7" }];
  const selection = {
    filters: { ...ONE_PAIR.filters, country: "FR", q: "1342" },
    span: { sinceMs: undefined, untilMs: TEN + 2000 },
  };
  const aggregate = new LiveAggregate(selection, parseStats(answer({ series })), TEN);
  assert.ok(!aggregate.add(parsedTradeAt(1, { currencyTo: "USD" })));
  assert.ok(!aggregate.add(parsedTradeAt(1, { originatingCountry: "DE" })));
  assert.ok(!aggregate.add(parsedTradeAt(1, { userId: "2" })));
  assert.ok(!aggregate.add(parsedTradeAt(2)));
  assert.ok(aggregate.add(parsedTradeAt(1)));
  assert.equal(unitsText(aggregate.stats.series[0]?.money?.sold ?? 0n), "1100");
  assert.equal(unitsText(aggregate.stats.series[0]?.money?.last ?? 0n), "0.7471");
});
