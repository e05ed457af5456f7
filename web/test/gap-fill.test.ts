/** Filling of gaps from the archive, each trade once, however far behind or unavailable the archive is. */

import assert from "node:assert/strict";
import { test as it, mock } from "node:test";
import type { Gap } from "../src/stream/feed.ts";
import { GapFill } from "../src/stream/gap-fill.ts";
import { State } from "../src/stream/state.ts";
import { FakeArchive } from "./fake-archive.ts";
import { FakeEnvironment, flushPromises, ids, rawEvent, rawEvents, TEN, trade } from "./helpers.ts";

const SECOND = 1_000_000;

/** A page that is connected since ten, received the trade of the first second, and missed the next three. */
function setUp() {
  const warn = mock.method(console, "warn", () => undefined);
  const env = new FakeEnvironment();
  const state = new State();
  const archive = new FakeArchive();
  let changes = 0;
  const gapFill = new GapFill(env.environment, archive.query, state, () => {
    changes += 1;
  });
  state.connected({ phase: "live", sinceMs: TEN });
  state.add([rawEvent(SECOND)]);
  archive.put(rawEvent(SECOND));
  const gap: Gap = { since: TEN + 1000, until: TEN + 4000, reason: "restarted" };
  env.nowMs = gap.until;
  return { env, state, archive, gapFill, gap, warn, changes: () => changes };
}

it("missed trades are listed in order and counted once", async () => {
  const { state, archive, gapFill, gap } = setUp();
  archive.put(rawEvent(2 * SECOND), rawEvent(3 * SECOND));
  gapFill.fill(gap);
  state.add([rawEvent(4 * SECOND), rawEvent(3 * SECOND)]);
  await flushPromises();
  assert.equal(state.count, 4);
  assert.deepEqual(ids(state.trades), ids([4, 3, 2, 1].map((second) => trade(second * SECOND))));
  assert.equal(state.filling, undefined);
  assert.deepEqual(state.gaps, []);
});

it("missed trades count neither as live nor for latency", async () => {
  const { state, archive, gapFill, gap } = setUp();
  archive.put(rawEvent(2 * SECOND));
  gapFill.fill(gap);
  await flushPromises();
  state.painted(TEN + 9000);
  assert.equal(state.liveCount, 1);
  assert.deepEqual(state.latency.read()?.medianMs, 8000, "the latency of the first, live trade");
});

it("trades from before the page was opened are not queried", async () => {
  const { archive, gapFill, gap } = setUp();
  gapFill.fill(gap);
  await flushPromises();
  assert.deepEqual(archive.queries, [
    { sinceMs: TEN, untilMs: gap.until + 1000, limit: 1000, cursor: undefined },
  ]);
});

it("the query starts a little before the newest trade, as processors may get out of order", async () => {
  const { state, archive, gapFill, gap } = setUp();
  state.add([rawEvent(60 * SECOND)]);
  gapFill.fill({ ...gap, since: TEN + 100_000, until: TEN + 101_000 });
  await flushPromises();
  assert.equal(archive.queries[0]?.sinceMs, TEN + 55_000);
});

it("during a backlog the query starts at the newest trade, not at the last message", async () => {
  const { env, archive } = setUp();
  const state = new State();
  state.connected({ phase: "live", sinceMs: TEN + 60_000 });
  state.add([rawEvent(SECOND)]);
  archive.put(rawEvent(2 * SECOND));
  const gapFill = new GapFill(env.environment, archive.query, state, () => undefined);
  gapFill.fill({ since: TEN + 61_000, until: TEN + 62_000, reason: "restarted" });
  await flushPromises();
  assert.equal(state.count, 2);
});

it("a second gap does not query the first one again", async () => {
  const { env, archive, gapFill, gap } = setUp();
  gapFill.fill(gap);
  await flushPromises();
  env.nowMs = TEN + 21_000;
  gapFill.fill({ ...gap, since: TEN + 20_000, until: TEN + 21_000 });
  await flushPromises();
  env.nowMs = TEN + 41_000;
  gapFill.fill({ ...gap, since: TEN + 40_000, until: TEN + 41_000 });
  await flushPromises();
  assert.equal(archive.queries.at(-1)?.sinceMs, TEN + 21_000 + 1000 - 5000);
});

it("gaps that the server announces each second are filled at most every ten seconds", async () => {
  const { env, state, archive, gapFill, gap } = setUp();
  for (let second = 0; second < 30; second += 1) {
    archive.put(rawEvent((4 + second) * SECOND));
    archive.upToMs = env.nowMs + 10_000;
    gapFill.fill({ since: gap.since, until: env.nowMs, reason: "skipped" });
    await flushPromises();
    env.advance(1000);
    await flushPromises();
  }
  assert.ok(archive.queries.length <= 4, `${archive.queries.length} queries in 30 s`);
  env.advance(10_000);
  await flushPromises();
  assert.equal(state.count, 31);
  assert.equal(state.filling, undefined);
});

it("pages that are told of a gap at the same time spread their requests", async () => {
  const delays = [0.1, 0.9].map(async (random) => {
    const { env, archive, gapFill, gap } = setUp();
    env.randomValue = random;
    gapFill.fill({ ...gap, reason: "skipped" });
    await flushPromises();
    env.advance(1000);
    await flushPromises();
    return archive.queries.length;
  });
  assert.deepEqual(await Promise.all(delays), [1, 0]);
});

it("a large gap is read page by page", async () => {
  const { state, archive, gapFill, gap } = setUp();
  archive.put(...rawEvents(2 * SECOND, 2 * SECOND + 2500));
  gapFill.fill(gap);
  await flushPromises();
  assert.equal(state.count, 2501);
  assert.equal(state.trades.length, 1000);
  assert.deepEqual(
    archive.queries.map(({ cursor }) => cursor),
    [undefined, "1000", "2000"],
  );
});

it("the state has the number of trades found so far", async () => {
  const { state, archive, gapFill, gap, changes } = setUp();
  archive.put(...rawEvents(2 * SECOND, 2 * SECOND + 2500));
  const found: (number | undefined)[] = [];
  archive.beforeAnswer = () => found.push(state.filling?.found);
  gapFill.fill(gap);
  await flushPromises();
  assert.deepEqual(found, [0, 1000, 2000]);
  assert.equal(changes(), 4);
});

it("it repeats the query until the archive is complete up to the end of the gap", async () => {
  const { env, state, archive, gapFill, gap } = setUp();
  archive.upToMs = TEN + 2500;
  archive.put(rawEvent(2 * SECOND));
  gapFill.fill(gap);
  await flushPromises();
  assert.equal(state.count, 2);
  assert.notEqual(state.filling, undefined);
  archive.put(rawEvent(3 * SECOND));
  archive.upToMs = gap.until + 1000;
  env.advance(125);
  await flushPromises();
  assert.equal(state.count, 3);
  assert.equal(state.filling, undefined);
  assert.equal(
    archive.queries.at(-1)?.sinceMs,
    TEN + 2500,
    "the complete part of the gap is not queried again",
  );
});

it("trades archived during a pass are found by the next one", async () => {
  const { env, state, archive, gapFill, gap } = setUp();
  archive.put(...rawEvents(2 * SECOND, 2 * SECOND + 1500));
  archive.upToMs = TEN + 2000;
  archive.beforeAnswer = () => {
    if (archive.queries.length === 2) {
      archive.put(rawEvent(3 * SECOND));
      archive.upToMs = Number.POSITIVE_INFINITY;
    }
  };
  gapFill.fill(gap);
  await flushPromises();
  env.advance(125);
  await flushPromises();
  assert.equal(state.count, 1502);
  assert.equal(state.filling, undefined);
});

it("a second gap extends the range being filled", async () => {
  const { state, archive, gapFill, gap } = setUp();
  archive.put(...rawEvents(2 * SECOND, 2 * SECOND + 1500));
  archive.beforeAnswer = () => {
    if (archive.queries.length === 1) {
      archive.put(rawEvent(8 * SECOND));
      gapFill.fill({ since: TEN + 7000, until: TEN + 9000, reason: "restarted" });
    }
  };
  gapFill.fill(gap);
  await flushPromises();
  assert.equal(state.count, 1502);
  assert.equal(state.filling, undefined);
  assert.equal(archive.queries[1]?.untilMs, TEN + 10_000);
  assert.equal(archive.queries[1]?.sinceMs, TEN);
});

it("an unavailable archive is queried ever more slowly, and announced after two minutes", async () => {
  const { env, state, archive, gapFill, gap, warn, changes } = setUp();
  archive.isUnavailable = true;
  gapFill.fill(gap);
  await advanceSlowly(env, 110_000);
  assert.equal(state.announcedGap, undefined);
  assert.equal(changes(), 0);
  assert.match(String(warn.mock.calls[0]?.arguments[0]), /can’t fill the gap/u);
  const soon = archive.queries.length;
  await advanceSlowly(env, 20_000);
  assert.equal(state.announcedGap, gap);
  assert.equal(changes(), 1);
  const late = archive.queries.length;
  assert(soon > 10 && soon < 40, `${soon} requests`);
  await advanceSlowly(env, 600_000);
  assert(archive.queries.length - late <= 15, `${archive.queries.length - late} more requests`);
});

it("once the archive is back, the gap is filled and no longer announced", async () => {
  const { env, state, archive, gapFill, gap } = setUp();
  archive.put(rawEvent(2 * SECOND));
  archive.isUnavailable = true;
  gapFill.fill(gap);
  await advanceSlowly(env, 180_000);
  assert.equal(state.announcedGap, gap);
  archive.isUnavailable = false;
  gapFill.retryNow();
  await flushPromises();
  assert.equal(state.count, 2);
  assert.equal(state.announcedGap, undefined);
  assert.deepEqual(state.gaps, []);
});

it("a dismissed gap is not announced again", async () => {
  const { env, state, archive, gapFill, gap } = setUp();
  archive.isUnavailable = true;
  gapFill.fill(gap);
  await advanceSlowly(env, 180_000);
  state.dismissGaps();
  await advanceSlowly(env, 180_000);
  assert.equal(state.announcedGap, undefined);
  const longer = { ...gap, until: gap.until + 400_000 };
  gapFill.fill(longer);
  await flushPromises();
  assert.deepEqual(state.announcedGap, { ...longer, reason: "several" });
});

it("of a gap with too many trades the newest are shown, and the gap is recorded", async () => {
  const { state, archive, gapFill, gap } = setUp();
  gapFill.maxNewTrades = 2000;
  archive.put(...rawEvents(2 * SECOND, 2 * SECOND + 5000));
  gapFill.fill(gap);
  await flushPromises();
  assert.deepEqual(state.gaps, [gap]);
  assert.equal(state.filling, undefined);
  assert.equal(state.trades[0]?.id, trade(2 * SECOND + 4999).id);
  assert.equal(archive.queries.length, 3, "the last one gets more than 2,000 trades");
});

it("a gap is given up when the dedup set can no longer cover the live trades", async () => {
  const { env, state, archive, gapFill, gap } = setUp();
  gapFill.maxNewTrades = 2000;
  archive.isUnavailable = true;
  gapFill.fill(gap);
  await flushPromises();
  state.add(rawEvents(5 * SECOND, 5 * SECOND + 2001));
  await advanceSlowly(env, 60_000);
  assert.deepEqual(state.gaps, [gap]);
  assert.equal(state.filling, undefined);
});

it("an archive with endless pages is not queried forever", async () => {
  const { env, state, gap } = setUp();
  let queries = 0;
  const endless = new GapFill(
    env.environment,
    () => {
      queries += 1;
      return Promise.resolve({ messages: [], next: "more", basis: undefined, archivedUpToMs: 0 });
    },
    state,
    () => undefined,
  );
  endless.fill(gap);
  await flushPromises();
  assert.equal(queries, 300);
  assert.deepEqual(state.gaps, [gap]);
});

/** Advances time in small steps, so that answers arrive in between. */
async function advanceSlowly(env: FakeEnvironment, ms: number): Promise<void> {
  for (let step = 0; step < ms; step += 1000) {
    env.advance(1000);
    await flushPromises();
  }
}
