/** The figures: asked of the archive, carried forward by what comes live, and nothing counted twice. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { Address } from "../src/address.ts";
import { unitsText } from "../src/decimal.ts";
import { type Figures, parseFigures } from "../src/figures.ts";
import { type Deal, dealOf, type Pair, Sheet } from "../src/sheet.ts";
import { StatisticsSource } from "../src/statistics.ts";
import { today } from "../src/today.ts";
import { FakeBar, settled, TEN, update, uuid, World } from "./helpers.ts";

const EUR_GBP: Pair = { from: "EUR", to: "GBP" };
const MONEY = { sold: "100", bought: "75.00", vwap: "0.75", open: "0.7", high: "0.8", low: "0.6" };
const ALL = { pair: undefined, country: undefined };

function answer(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    since: "2026-11-24T09:00:00Z",
    until: "2026-11-24T10:01:00Z",
    step: 60,
    total: { count: 10, flagged: 1 },
    pairs: [{ currencyFrom: "EUR", currencyTo: "GBP", count: 10, flagged: 1, ...MONEY, last: "0.7" }],
    morePairs: 0,
    countries: [{ country: "FR", count: 10, flagged: 1 }],
    series: [{ start: "2026-11-24T10:00:00Z", count: 10, flagged: 1 }],
    ...changes,
  };
}

/** A trade received so many seconds after ten o'clock. */
function tradeAt(
  seconds: number,
  changes: Readonly<Record<string, unknown>> = {},
): ReturnType<typeof update> {
  return update(seconds * 1_000_000, changes);
}

function dealAt(...trade: Parameters<typeof tradeAt>): Deal {
  return dealOf(tradeAt(...trade));
}

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

/** A page's figures, with an archive that answers as the test says. */
class Desk {
  readonly world = new World();
  readonly bar: FakeBar;
  readonly address: Address;
  readonly asked: string[] = [];
  readonly source: StatisticsSource;
  answer: () => Response = () => Response.json(answer());
  /** When answers come. */
  ready = Promise.resolve();

  constructor(query = "") {
    this.bar = new FakeBar(query);
    this.address = new Address(this.bar);
    this.source = new StatisticsSource({
      timing: this.world.surroundings,
      fetch: async (path) => {
        this.asked.push(path);
        await this.ready;
        return this.answer();
      },
      address: this.address,
      serverNow: () => this.world.nowMs,
      changed: () => undefined,
    });
  }

  /** What was asked since the last time. */
  async take(): Promise<string[]> {
    await settled();
    return this.asked.splice(0);
  }
}

const DAYS = "/api/stats?since=2026-11-22T00%3A00%3A00.000Z";

it("without filters, one question serves all but the days", async () => {
  const desk = new Desk();
  desk.source.start();
  assert.deepEqual(await desk.take(), ["/api/stats?window=1h", DAYS]);
  const { messages, countries, pairs, focus, trouble, leavesOut } = desk.source.latest;
  assert.ok(messages && messages === countries && countries === pairs);
  assert.deepEqual([focus, trouble, leavesOut], [undefined, "", ""]);
});

it("what one picks from is asked for without what was picked", async () => {
  const desk = new Desk("?from=EUR&to=GBP&country=FR&window=7d");
  desk.source.start();
  assert.deepEqual(await desk.take(), [
    "/api/stats?window=7d&from=EUR&to=GBP&country=FR",
    "/api/stats?window=7d&from=EUR&to=GBP",
    "/api/stats?window=7d&country=FR",
    DAYS,
  ]);
});

it("a change of filters or window is asked for at once, and a pair that is looked at, too", async () => {
  const desk = new Desk();
  desk.source.start();
  await desk.take();
  desk.address.show("15m");
  assert.equal(desk.source.latest.messages, undefined);
  assert.deepEqual(await desk.take(), ["/api/stats?window=15m", DAYS]);
  desk.source.focusOn(EUR_GBP);
  desk.source.focusOn({ ...EUR_GBP });
  assert.deepEqual(await desk.take(), [
    "/api/stats?window=15m",
    "/api/stats?window=15m&from=EUR&to=GBP",
    DAYS,
  ]);
});

it("figures of other filters or another window are never given out, and those of the same question are", async () => {
  const desk = new Desk();
  desk.source.start();
  await desk.take();
  const { pairs: all } = desk.source.latest;
  let arrive: () => void = () => undefined;
  const slow = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  desk.ready = slow;
  desk.address.filter({ ...EUR_GBP });
  await desk.take();
  const { messages, countries, pairs } = desk.source.latest;
  assert.deepEqual([messages, countries], [undefined, undefined]);
  assert.equal(pairs, all);
  arrive();
  await desk.take();
  assert.ok(desk.source.latest.messages && desk.source.latest.countries);
});

it("where the archive is away, there are no figures of a window that was not asked for in time", async () => {
  const desk = new Desk();
  desk.source.start();
  await desk.take();
  desk.answer = () => new Response("", { status: 503 });
  desk.address.show("7d");
  await desk.take();
  const { messages, countries, pairs, days, trouble } = desk.source.latest;
  assert.deepEqual([messages, countries, pairs], [undefined, undefined, undefined]);
  assert.ok(days);
  assert.notEqual(trouble, "");
});

it("they are asked for again every few seconds, and not while no one looks", async () => {
  const desk = new Desk();
  desk.source.start();
  await desk.take();
  desk.world.pass(8000);
  assert.equal((await desk.take()).length, 2);
  desk.source.show(false);
  desk.source.add([tradeAt(1)]);
  desk.world.pass(600_000);
  assert.equal(desk.source.latest.messages?.total.count, 10);
  assert.equal((await desk.take()).length, 0);
  desk.source.show(true);
  assert.equal((await desk.take()).length, 2);
});

it("live trades change the figures twice a second, not with each trade", async () => {
  const desk = new Desk();
  desk.source.start();
  await desk.take();
  const before = desk.source.latest;
  desk.source.add([tradeAt(1), tradeAt(2)]);
  assert.equal(desk.source.latest, before);
  desk.world.pass(500);
  assert.equal(desk.source.latest.messages?.total.count, 12);
});

it("the next answer takes the place of what was added", async () => {
  const desk = new Desk();
  desk.source.start();
  await desk.take();
  desk.source.add([tradeAt(1), tradeAt(2)]);
  desk.answer = () => Response.json(answer({ total: { count: 12, flagged: 1 } }));
  desk.world.pass(8000);
  await desk.take();
  assert.equal(desk.source.latest.messages?.total.count, 12);
});

it("where the archive is away, the last figures stay, and it is said and asked again", async () => {
  const desk = new Desk();
  desk.source.start();
  await desk.take();
  const { answer: fine } = desk;
  desk.answer = () => new Response("", { status: 503 });
  desk.world.pass(8000);
  await desk.take();
  assert.equal(desk.source.latest.messages?.total.count, 10);
  assert.notEqual(desk.source.latest.trouble, "");
  desk.answer = fine;
  desk.world.pass(8000);
  await desk.take();
  assert.equal(desk.source.latest.trouble, "");
});

it("where the API refuses the question, its own words are given on", async () => {
  const desk = new Desk();
  desk.answer = () => Response.json({ errors: [{ detail: "No such country." }] }, { status: 400 });
  desk.source.start();
  await desk.take();
  assert.equal(desk.source.latest.trouble, "No such country.");
});

it("what the archive's figures can't tell is said in words", async () => {
  const desk = new Desk("?user=1&flag=x&min=1&q=a");
  desk.source.start();
  await desk.take();
  assert.equal(desk.source.latest.leavesOut, "The figures ignore user, flag, amount, and search.");
  desk.address.filter({ user: "", flag: "", min: "", q: "", from: "EUR" });
  assert.equal(desk.source.latest.leavesOut, "The figures ignore currency.");
});
