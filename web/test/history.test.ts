/** The backfill: the latest trades from before the feed, listed but not counted. */

import assert from "node:assert/strict";
import { test as it, mock } from "node:test";
import { NO_FILTERS } from "../src/filters/filters.ts";
import { EVERYTHING } from "../src/filters/selection.ts";
import { History } from "../src/stream/history.ts";
import { State } from "../src/stream/state.ts";
import { FakeArchive } from "./fake-archive.ts";
import { FakeEnvironment, flushPromises, ids, rawEvent, rawEvents, TEN, trade } from "./helpers.ts";

function started(prepare: (archive: FakeArchive) => void) {
  const warn = mock.method(console, "warn", () => undefined);
  const env = new FakeEnvironment();
  const state = new State();
  const archive = new FakeArchive();
  prepare(archive);
  let failures = 0;
  const history = new History(env.environment, archive.query, EVERYTHING, {
    received: (messages) => state.backfill(messages),
    failed: () => {
      failures += 1;
    },
  });
  const end = history.start();
  return { env, state, archive, history, end, warn, failures: () => failures };
}

it("the latest 200 trades are listed, and count neither as received nor for latency", async () => {
  const { state } = started((archive) => archive.put(...rawEvents(0, 500)));
  await flushPromises();
  state.painted(TEN + 1000);
  assert.equal(state.trades.length, 200);
  assert.equal(state.trades[0]?.id, trade(499).id);
  assert.equal(state.count, 0);
  assert.equal(state.latency.read(), undefined);
});

it("it does not wait for the feed, and ends when all trades from before it are known", async () => {
  const { env, state, archive, history } = started((fake) => fake.put(rawEvent(1)));
  await flushPromises();
  assert.equal(state.trades.length, 1);
  history.setEnd(TEN + 50);
  await flushPromises();
  env.advance(600_000);
  await flushPromises();
  assert.deepEqual(archive.queries, [
    { filters: NO_FILTERS, sinceMs: undefined, untilMs: undefined, limit: 200 },
    { filters: NO_FILTERS, sinceMs: undefined, untilMs: TEN + 50, limit: 200 },
  ]);
});

it("a failed query is reported, and another one follows", async () => {
  const { env, state, archive, failures } = started((fake) => {
    fake.isUnavailable = true;
    fake.put(rawEvent(1));
  });
  await flushPromises();
  assert.equal(failures(), 1);
  archive.isUnavailable = false;
  env.advance(60_000);
  await flushPromises();
  assert.equal(failures(), 1);
  assert.equal(state.trades.length, 1);
});

it("if the feed is live first, one query is enough", async () => {
  const { archive, history, end } = started(() => undefined);
  history.setEnd(TEN + 50);
  await end;
  assert.equal(archive.queries.length, 1);
});

it("only the first connection ends the history", async () => {
  const { archive, history, end } = started(() => undefined);
  await flushPromises();
  history.setEnd(TEN + 50);
  history.setEnd(TEN + 90);
  await end;
  assert.equal(archive.queries.at(-1)?.untilMs, TEN + 50);
});

it("it repeats the query while the archive is behind", async () => {
  const { env, state, archive, history, end } = started((fake) => {
    fake.upToMs = TEN;
  });
  history.setEnd(TEN + 50);
  await flushPromises();
  archive.put(rawEvent(1));
  archive.upToMs = TEN + 50;
  env.advance(125);
  await end;
  assert.deepEqual(ids(state.trades), ids([trade(1)]));
  assert.equal(archive.queries.length, 2);
});

it("it repeats the query while the archive is unavailable", async () => {
  const { env, state, archive, history, warn } = started((fake) => {
    fake.put(rawEvent(1));
    fake.isUnavailable = true;
  });
  history.setEnd(TEN + 50);
  await flushPromises();
  assert.equal(state.isBackfilled, false);
  assert.match(String(warn.mock.calls[0]?.arguments[0]), /can’t load the latest trades/u);
  archive.isUnavailable = false;
  env.advance(125);
  await flushPromises();
  assert.equal(state.isBackfilled, true);
  assert.equal(state.trades.length, 1);
});

it("a trade that is backfilled and arrives live later is counted then, and listed once", async () => {
  const { state } = started((archive) => archive.put(rawEvent(1)));
  await flushPromises();
  state.add([rawEvent(1)]);
  assert.equal(state.count, 1);
  assert.equal(state.trades.length, 1);
});

it("a trade that arrived live is not backfilled", async () => {
  const { state } = started((archive) => archive.put(rawEvent(1)));
  state.add([rawEvent(1)]);
  await flushPromises();
  assert.equal(state.count, 1);
  assert.equal(state.trades.length, 1);
});

it("a stopped history neither queries again nor delivers", async () => {
  const { env, state, archive, history } = started((fake) => fake.put(rawEvent(1)));
  history.stop();
  await flushPromises();
  env.advance(600_000);
  await flushPromises();
  assert.equal(archive.queries.length, 1);
  assert.equal(state.isBackfilled, false);
});

it("a history that is stopped between two queries ends at once", async () => {
  const { archive, history, end } = started(() => undefined);
  await flushPromises();
  history.stop();
  await end;
  assert.equal(archive.queries.length, 1);
});

it("a history of a time range ends when all of the range is archived", async () => {
  const archive = new FakeArchive();
  archive.put(...rawEvents(0, 3));
  archive.upToMs = TEN + 40;
  const found: unknown[] = [];
  const span = { sinceMs: TEN, untilMs: TEN + 30 };
  const { environment } = new FakeEnvironment();
  const history = new History(
    environment,
    archive.query,
    { filters: NO_FILTERS, span },
    {
      received: (messages) => found.push(...messages),
      failed: () => assert.fail("the archive answers"),
    },
  );
  history.setEnd(TEN + 5000);
  await history.start();
  assert.deepEqual(archive.queries, [{ filters: NO_FILTERS, ...span, limit: 200 }]);
  assert.equal(found.length, 3);
});
