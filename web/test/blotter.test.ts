/** The list of trades: each trade once, newest first, live ones at the top and archived ones below. */

import assert from "node:assert/strict";
import { test as it, mock } from "node:test";
import { Pages } from "../src/blotter/pages.ts";
import { TradeList } from "../src/blotter/trade-list.ts";
import { NO_FILTERS } from "../src/filters/filters.ts";
import { ALL as ALL_TIME, type Range, spanOf } from "../src/filters/range.ts";
import { EVERYTHING, type Selection } from "../src/filters/selection.ts";
import { MAX_TRADES } from "../src/trade/merge.ts";
import { FakeArchive } from "./fake-archive.ts";
import { FakeEnvironment, flushPromises, ids, rawEvent, rawEvents, TEN, trade } from "./helpers.ts";

const ALL = Number.POSITIVE_INFINITY;

const everything = (): Selection => EVERYTHING;

function setUp() {
  mock.method(console, "warn", () => undefined);
  const env = new FakeEnvironment();
  const archive = new FakeArchive();
  const source = { queryArchive: archive.query, timing: env.environment, changed: () => undefined };
  return { env, archive, source };
}

function trades(from: number, to: number) {
  return rawEvents(from, to).map((_, index) => trade(from + index));
}

/** Shows the end of the list until it is complete. */
async function loadAll(list: TradeList | Pages, env: FakeEnvironment): Promise<void> {
  for (let attempts = 0; attempts < 200 && list.endStatus !== "end"; attempts += 1) {
    list.setVisibleRange(list.length, list.length + 10);
    await flushPromises();
    env.advance(200);
  }
}

/** Shows some rows until they are loaded. */
async function loadRows(list: TradeList | Pages, first: number, last: number): Promise<void> {
  for (let attempts = 0; attempts < 20; attempts += 1) {
    list.setVisibleRange(first, last);
    await flushPromises();
  }
}

function shown(list: TradeList | Pages): (string | undefined)[] {
  return list.slice(0, ALL).map((each) => each?.id);
}

function newestFirst(from: number, to: number): string[] {
  return ids(trades(from, to)).reverse();
}

it("scrolling down continues into the archive to the first trade, and lists each trade once", async () => {
  const { env, archive, source } = setUp();
  archive.put(...rawEvents(0, 1500));
  const list = new TradeList(source, everything, []);
  list.backfill(trades(1300, 1500));
  list.isBackfilled = true;
  list.add(trades(1500, 1510));
  list.refresh();
  await loadAll(list, env);
  assert.deepEqual(shown(list), newestFirst(0, 1510));
});

it("pages are loaded only when they are near", async () => {
  const { archive, source } = setUp();
  archive.put(...rawEvents(0, 2000));
  const list = new TradeList(source, everything, trades(1000, 2000).reverse());
  list.isBackfilled = true;
  list.refresh();
  list.setVisibleRange(0, 30);
  await flushPromises();
  assert.equal(archive.queries.length, 0);
  await loadRows(list, 700, 830);
  assert.equal(list.length, 1200);
});

it("older pages are not queried before the backfill", async () => {
  const { archive, source } = setUp();
  const list = new TradeList(source, everything, []);
  list.setVisibleRange(0, 30);
  await flushPromises();
  assert.equal(archive.queries.length, 0);
  assert.equal(list.endStatus, "loading");
});

it("new trades are counted, and shown at the next refresh", () => {
  const list = new TradeList(setUp().source, everything, []);
  list.add(trades(0, 3));
  list.refresh();
  list.add(trades(3, 131));
  assert.equal(list.pending, 128);
  assert.deepEqual(shown(list), newestFirst(0, 3));
  list.refresh();
  assert.equal(list.pending, 0);
  assert.deepEqual(shown(list), newestFirst(0, 131));
});

it("only matching trades are listed and counted", () => {
  const list = new TradeList(
    setUp().source,
    () => ({ filters: { ...NO_FILTERS, country: "DE" }, span: ALL_TIME }),
    trades(0, 3),
  );
  list.add([trade(4), trade(5, { originatingCountry: "DE" })]);
  list.refresh();
  assert.deepEqual(shown(list), [trade(5).id]);
  assert.equal(list.matched, 1);
});

it("a trade that is backfilled and arrives live is listed once", () => {
  const list = new TradeList(setUp().source, everything, []);
  list.backfill(trades(0, 5));
  list.add(trades(3, 7));
  list.refresh();
  assert.deepEqual(shown(list), newestFirst(0, 7));
});

it("the backfill is shown below the shown trades, and new trades still wait for the refresh", () => {
  const list = new TradeList(setUp().source, everything, []);
  list.add(trades(10, 12));
  list.refresh();
  list.add(trades(12, 15));
  list.backfill(trades(1, 10));
  list.isBackfilled = true;
  assert.deepEqual(shown(list), newestFirst(1, 12));
  assert.equal(list.pending, 3);
  list.backfill(trades(0, 10));
  assert.deepEqual(shown(list), newestFirst(1, 12), "the rows hold still");
  list.refresh();
  assert.deepEqual(shown(list), newestFirst(0, 15));
});

it("the newest trades are kept, and the archive continues below them", async () => {
  const { env, archive, source } = setUp();
  archive.put(...rawEvents(0, 5000));
  const list = new TradeList(source, everything, []);
  list.isBackfilled = true;
  list.add(trades(0, 100));
  list.refresh();
  await loadAll(list, env);
  list.add(trades(100, 5000));
  list.refresh();
  assert.equal(list.length, MAX_TRADES);
  await loadRows(list, MAX_TRADES, MAX_TRADES);
  assert.deepEqual(shown(list).slice(0, MAX_TRADES + 200), newestFirst(5000 - MAX_TRADES - 200, 5000));
});

it("a trade that was archived late is found when its page is loaded again", async () => {
  const { env, archive, source } = setUp();
  archive.put(rawEvent(1), rawEvent(3));
  const list = new TradeList(source, everything, trades(5, 6));
  list.isBackfilled = true;
  list.refresh();
  await loadAll(list, env);
  archive.put(rawEvent(2));
  list.add([trade(2)]);
  list.refresh();
  await loadAll(list, env);
  assert.deepEqual(shown(list), ids([5, 3, 2, 1].map((number) => trade(number))));
});

it("trades of the same millisecond are listed completely and once", async () => {
  const { env, archive, source } = setUp();
  archive.put(...rawEvents(0, 900));
  const pages = new Pages(source, everything, trade(450));
  await loadAll(pages, env);
  assert.deepEqual(shown(pages), newestFirst(0, 450));
});

it("distant pages are evicted, keep their place, and are loaded again", async () => {
  const { env, archive, source } = setUp();
  archive.put(...rawEvents(0, 5000));
  const pages = new Pages(source, everything, undefined);
  await loadAll(pages, env);
  pages.setVisibleRange(4970, 5000);
  assert.equal(pages.length, 5000);
  assert.deepEqual(pages.slice(0, 1), [undefined]);
  const loaded = pages.slice(0, ALL).filter((each) => each !== undefined);
  assert.ok(loaded.length <= 2400, "only near pages are loaded");
  pages.setVisibleRange(0, 30);
  await flushPromises();
  assert.deepEqual(ids(pages.slice(0, 30).filter((each) => each !== undefined)), newestFirst(4970, 5000));
  assert.equal(pages.length, 5000);
});

it("if a trade was archived late, the pages below are loaded again", async () => {
  const { env, archive, source } = setUp();
  archive.put(...rawEvents(0, 2000), ...rawEvents(2001, 5001));
  const pages = new Pages(source, everything, undefined);
  await loadAll(pages, env);
  archive.put(rawEvent(2000));
  pages.setVisibleRange(4970, 5000);
  pages.setVisibleRange(2950, 2980);
  await flushPromises();
  await loadAll(pages, env);
  for (let place = 0; place < 5001; place += 100) {
    pages.setVisibleRange(place, place + 30);
    await flushPromises();
    const rows = pages.slice(place, place + 30).filter((each) => each !== undefined);
    assert.deepEqual(ids(rows), newestFirst(5001 - place - rows.length, 5001 - place));
  }
});

it("an unavailable archive is queried again after a delay, or at once on request", async () => {
  const { env, archive, source } = setUp();
  archive.put(...rawEvents(0, 3));
  archive.isUnavailable = true;
  const pages = new Pages(source, everything, undefined);
  pages.setVisibleRange(0, 30);
  await flushPromises();
  assert.equal(pages.endStatus, "failed");
  pages.setVisibleRange(0, 30);
  await flushPromises();
  assert.equal(archive.queries.length, 1);
  pages.retry();
  pages.setVisibleRange(0, 30);
  await flushPromises();
  assert.equal(archive.queries.length, 2);
  archive.isUnavailable = false;
  env.advance(5000);
  pages.setVisibleRange(0, 30);
  await flushPromises();
  assert.deepEqual(shown(pages), newestFirst(0, 3));
  assert.equal(pages.endStatus, "end");
});

function within(range: Range, env: FakeEnvironment): () => Selection {
  return () => ({ filters: NO_FILTERS, span: spanOf(range, env.nowMs) });
}

it("only trades of the time range are listed, also those from the archive", async () => {
  const { env, archive, source } = setUp();
  const second = 1_000_000;
  archive.put(...[0, 10, 20, 30].map((seconds) => rawEvent(seconds * second)));
  const span = { sinceMs: TEN + 10_000, untilMs: TEN + 30_000 };
  const list = new TradeList(source, within(span, env), [trade(30 * second)]);
  list.isBackfilled = true;
  list.add([trade(31 * second)]);
  list.refresh();
  await loadAll(list, env);
  assert.deepEqual(shown(list), ids([trade(20 * second), trade(10 * second)]));
  assert.equal(list.pending, 0);
});

it("a relative range drops its oldest trades as time goes on, without a query", async () => {
  const { env, archive, source } = setUp();
  const list = new TradeList(source, within({ window: "15m" }, env), trades(0, 3).reverse());
  list.isBackfilled = true;
  list.refresh();
  assert.equal(list.length, 3);
  env.advance(16 * 60_000);
  list.add([trade(16 * 60_000_000)]);
  assert.equal(list.length, 3, "the rows hold still until the refresh");
  list.refresh();
  list.setVisibleRange(0, 30);
  await flushPromises();
  assert.equal(list.length, 1);
  assert.equal(list.endStatus, "end");
  assert.equal(archive.queries.length, 0);
});
