/** The order of the list: in the address, in the query, in words, and the list that the archive has sorted. */

import assert from "node:assert/strict";
import { test as it, mock } from "node:test";
import { currencyChoices } from "../src/blotter/currency-choices.ts";
import { listStatus } from "../src/blotter/list-status.ts";
import { SortedTrades } from "../src/blotter/sorted-trades.ts";
import { Address } from "../src/filters/address.ts";
import { NO_FILTERS } from "../src/filters/filters.ts";
import {
  listedOrder,
  missingCurrencies,
  NEWEST_FIRST,
  ORDER_FIELDS,
  type Order,
  orderText,
  parseOrder,
  toggleOrder,
} from "../src/filters/order.ts";
import { findProblems } from "../src/filters/problems.ts";
import { EVERYTHING, type Selection } from "../src/filters/selection.ts";
import { parseStats } from "../src/server/stats.ts";
import type { TradeEvent } from "../src/trade/event.ts";
import { FakeArchive } from "./fake-archive.ts";
import {
  FakeAddressBar,
  FakeEnvironment,
  flushPromises,
  rawEvent,
  statsAnswer,
  TEN,
  trade,
} from "./helpers.ts";

const LARGEST: Order = { by: "amountSell", direction: "descending" };
const SMALLEST: Order = { by: "amountSell", direction: "ascending" };

it("an order is written as the API takes it, and read back", () => {
  for (const by of ORDER_FIELDS) {
    for (const direction of ["ascending", "descending"] as const) {
      assert.deepEqual(parseOrder(orderText({ by, direction })), { by, direction });
    }
  }
  assert.equal(orderText(LARGEST), "-amountSell");
  for (const text of ["", "-", "amount", "--rate", "flags", "id"]) {
    assert.equal(parseOrder(text), undefined, text);
  }
});

it("clicks on a column sort descending, ascending, and newest first again", () => {
  assert.deepEqual(toggleOrder(NEWEST_FIRST, "amountSell"), LARGEST);
  assert.deepEqual(toggleOrder(LARGEST, "amountSell"), SMALLEST);
  assert.deepEqual(toggleOrder(SMALLEST, "amountSell"), NEWEST_FIRST);
  assert.equal(toggleOrder(NEWEST_FIRST, "receivedAt").direction, "ascending");
});

it("an order by amount needs a currency, and by rate both", () => {
  const eur = { ...NO_FILTERS, from: "EUR" };
  assert.deepEqual(missingCurrencies(LARGEST, NO_FILTERS), ["from"]);
  assert.deepEqual(missingCurrencies(LARGEST, eur), []);
  assert.deepEqual(missingCurrencies({ by: "amountBuy", direction: "ascending" }, eur), ["to"]);
  assert.deepEqual(missingCurrencies({ by: "rate", direction: "ascending" }, eur), ["to"]);
  assert.deepEqual(missingCurrencies({ by: "userId", direction: "ascending" }, NO_FILTERS), []);
  assert.equal(listedOrder(LARGEST, NO_FILTERS), NEWEST_FIRST);
  assert.equal(listedOrder(LARGEST, eur), LARGEST);
});

it("the choices of a currency are those of the trades, most trades first, and fit the other filters", () => {
  const pair = (currencyFrom: string, currencyTo: string, count: number) => ({
    ...(statsAnswer()["pairs"] as object[])[0],
    currencyFrom,
    currencyTo,
    count,
  });
  const { pairs } = parseStats(
    statsAnswer({
      basis: null,
      pairs: [pair("USD", "GBP", 5), pair("EUR", "GBP", 4), pair("EUR", "JPY", 3)],
    }),
  );
  const labels = (...[missing, filters]: [("from" | "to")[], object]): string[] =>
    currencyChoices(missing, { ...NO_FILTERS, ...filters }, pairs).map(({ label }) => label);
  assert.deepEqual(labels(["from"], {}), ["EUR", "USD"]);
  assert.deepEqual(labels(["to"], { from: "EUR" }), ["GBP", "JPY"]);
  assert.deepEqual(labels(["from", "to"], {}), ["USD→GBP", "EUR→GBP", "EUR→JPY"]);
  assert.deepEqual(currencyChoices(["from"], NO_FILTERS, pairs)[0]?.filters, { from: "EUR" });
});

it("the address carries the order, a choice of its currency is the same step, and Back undoes both", () => {
  const bar = new FakeAddressBar();
  const address = new Address(bar);
  address.setOrder(LARGEST);
  address.setOrder(LARGEST);
  address.setOrder(address.order, { from: "EUR" });
  assert.deepEqual(bar.steps, ["", "?sort=-amountSell", "?from=EUR&sort=-amountSell"]);
  bar.back();
  assert.deepEqual([address.order, address.filters], [LARGEST, NO_FILTERS]);
  bar.back();
  assert.equal(address.order.by, "receivedAt");
  address.setOrder({ by: "receivedAt", direction: "ascending" });
  assert.equal(bar.query, "?sort=receivedAt");
  address.setOrder(NEWEST_FIRST);
  assert.equal(bar.query, "");
});

it("a link opens in its order, and the page says when it does not know the order", () => {
  assert.deepEqual(new Address(new FakeAddressBar("?sort=-amountSell")).order, LARGEST);
  assert.deepEqual(findProblems(new URLSearchParams("sort=-amountSell")), []);
  assert.deepEqual(findProblems(new URLSearchParams("sort=colour")), [
    "“sort=colour” is no order of the list. The page shows the newest trades first.",
  ]);
});

function setUp(selection: Selection = EVERYTHING, order = LARGEST) {
  mock.method(console, "warn", () => undefined);
  const env = new FakeEnvironment();
  const archive = new FakeArchive();
  archive.upToMs = TEN + 1000;
  const known: TradeEvent[] = [];
  const source = { queryArchive: archive.query, timing: env.environment, changed: () => undefined };
  return { env, archive, known, list: new SortedTrades(source, order, selection, () => known) };
}

async function load(list: SortedTrades): Promise<string[]> {
  for (let attempts = 0; attempts < 20; attempts += 1) {
    list.setVisibleRange(list.length, list.length + 10);
    await flushPromises();
  }
  return list.slice(0, list.length).map((each) => each?.amountSell ?? "");
}

it("the archive sorts all trades of the range, page by page", async () => {
  const { archive, list } = setUp();
  const amounts = Array.from({ length: 500 }, (_, index) => String((index * 7919) % 500));
  archive.put(...amounts.map((amountSell, index) => rawEvent(index, { amountSell })));
  const expected = amounts.toSorted((a, b) => Number(b) - Number(a));
  assert.deepEqual(await load(list), expected);
  assert.equal(list.endStatus, "end");
  assert.ok(archive.queries.slice(1).every(({ order }) => order === LARGEST));
});

it("the list has the trades up to the time at which the archive was complete, and counts the later ones", async () => {
  const { archive, known, list } = setUp();
  archive.put(rawEvent(1), rawEvent(1_500_000, { amountSell: "5000" }));
  known.push(trade(1_500_000), trade(1));
  list.add([trade(1_200_000)]);
  assert.deepEqual(await load(list), ["1000"]);
  assert.equal(list.asOfMs, TEN + 1000);
  assert.equal(list.pending, 1, "those that arrived before the first answer are known");
  list.add([trade(2_000_000), trade(500_000)]);
  assert.equal(list.pending, 2);
});

it("only selected trades are counted as new", async () => {
  const { list } = setUp({ ...EVERYTHING, filters: { ...NO_FILTERS, from: "EUR" } });
  await load(list);
  list.add([trade(2_000_000), trade(2_000_001, { currencyFrom: "USD" })]);
  assert.equal(list.pending, 1);
});

it("a range that begins after the last archived trade has no trades to sort", async () => {
  const { archive, list } = setUp({ filters: NO_FILTERS, span: { sinceMs: TEN + 2000, untilMs: undefined } });
  archive.put(rawEvent(3_000_000));
  assert.deepEqual(await load(list), []);
  assert.equal(list.endStatus, "end");
});

it("an archive that can't tell up to when it is complete is asked again", async () => {
  const { archive, env, list } = setUp();
  archive.put(rawEvent(1));
  archive.upToMs = Number.NEGATIVE_INFINITY;
  await load(list);
  assert.equal(list.endStatus, "failed");
  archive.upToMs = TEN + 1000;
  env.advance(5000);
  assert.deepEqual(await load(list), ["1000"]);
});

const LIST = {
  sorted: undefined,
  isPaused: false,
  heldBy: undefined,
  connection: { phase: "live", sinceMs: TEN },
  isStalled: false,
  isSampled: false,
  nowMs: TEN,
  zone: "utc",
} as const;

it("the status says the order, its time, and how many trades it is of if the range has too many", () => {
  const sorted = { order: LARGEST, asOfMs: TEN, basis: undefined };
  assert.equal(
    listStatus({ ...LIST, sorted }),
    "Sorted by Amount sold, largest first, as of 2026-11-24 10:00:00 UTC.",
  );
  const basis = { newest: 20, sinceMs: TEN - 1000 };
  assert.equal(
    listStatus({ ...LIST, sorted: { ...sorted, basis } }),
    "Sorted by Amount sold, largest first, as of 2026-11-24 10:00:00 UTC. " +
      "Only the newest 20 trades, received since 2026-11-24 09:59:59 UTC, are sorted.",
  );
  assert.equal(listStatus(LIST), "Newest first, as they arrive. Times are UTC.");
});
