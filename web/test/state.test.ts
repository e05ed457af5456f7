/** The page's state: each trade once, the newest listed, all counted. */

import assert from "node:assert/strict";
import { test as it, mock } from "node:test";
import { LatencyMeter, RateMeter } from "../src/stream/meters.ts";
import { State } from "../src/stream/state.ts";
import { DedupSet } from "../src/trade/dedup-set.ts";
import type { TradeEvent } from "../src/trade/event.ts";
import { mergeTrades } from "../src/trade/merge.ts";
import { ids, rawEvent, rawEvents, TEN, trade, uuid } from "./helpers.ts";

it("trades are listed newest first", () => {
  const state = new State();
  state.add([rawEvent(1), rawEvent(2)]);
  state.add([rawEvent(3)]);
  assert.deepEqual(ids(state.trades), ids([trade(3), trade(2), trade(1)]));
});

it("a late trade is inserted in order", () => {
  const state = new State();
  state.add([rawEvent(1), rawEvent(5)]);
  state.add([rawEvent(3)]);
  assert.deepEqual(ids(state.trades), ids([trade(5), trade(3), trade(1)]));
});

it("a batch in any order is sorted", () => {
  const sorted = mergeTrades([trade(4), trade(2)], [trade(5), trade(1), trade(6), trade(3)]);
  assert.deepEqual(ids(sorted), ids([6, 5, 4, 3, 2, 1].map((number) => trade(number))));
});

it("of the same microsecond, the greater id is newer", () => {
  const state = new State();
  const { receivedAt } = trade(1);
  state.add([rawEvent(7, { receivedAt }), rawEvent(9, { receivedAt }), rawEvent(8, { receivedAt })]);
  assert.deepEqual(ids(state.trades), ids([trade(9), trade(8), trade(7)]));
});

it("a trade that arrives twice is listed and counted once", () => {
  const state = new State();
  state.add([rawEvent(1), rawEvent(1)]);
  state.add([rawEvent(1), rawEvent(2)]);
  assert.equal(state.count, 2);
  assert.equal(state.trades.length, 2);
});

it("a trade that has left the list is not new again", () => {
  const state = new State();
  state.add(rawEvents(0, 1001));
  state.add([rawEvent(0)]);
  assert.equal(state.count, 1001);
});

it("of a burst of 5,000 all are counted and the newest 1,000 listed", () => {
  const state = new State();
  state.add(rawEvents(0, 5000));
  assert.equal(state.count, 5000);
  assert.deepEqual(ids(state.trades), ids(tradesNewestFirst(4000, 5000)));
});

it("a trade older than all listed ones is counted, and not listed", () => {
  const state = new State();
  state.add(rawEvents(10, 1010));
  const before = ids(state.trades);
  state.add([rawEvent(5)]);
  assert.equal(state.count, 1001);
  assert.deepEqual(ids(state.trades), before);
});

it("a frame without a new trade leaves the list as it is", () => {
  const state = new State();
  state.add([rawEvent(1)]);
  const { trades } = state;
  state.add([]);
  state.add([rawEvent(1)]);
  assert.equal(state.trades, trades);
});

it("a published list never changes", () => {
  const state = new State();
  state.add([rawEvent(1)]);
  const { trades } = state;
  state.add([rawEvent(2)]);
  assert.deepEqual(ids(trades), ids([trade(1)]));
});

it("malformed events are skipped with a warning, and the others of the frame are added", () => {
  const warn = mock.method(console, "warn", () => undefined);
  const state = new State();
  state.add([rawEvent(0)]);
  state.add([null, rawEvent(1), { id: "x" }]);
  assert.equal(state.count, 2);
  assert.equal(warn.mock.callCount(), 1);
  assert.match(String(warn.mock.calls[0]?.arguments[0]), /2 malformed trades of 3/u);
  warn.mock.restore();
});

it("ids are known for at least one generation, and for less than two", () => {
  const dedup = new DedupSet(10);
  // The last id begins a generation, so that both generations hold some of those looked up.
  for (let id = 0; id <= 1000; id += 1) {
    assert.equal(dedup.add(uuid(id)), true);
  }
  for (let id = 0; id < 990; id += 1) {
    assert.equal(dedup.has(uuid(id)), false);
  }
  for (let id = 991; id <= 1000; id += 1) {
    assert.equal(dedup.add(uuid(id)), false);
    assert.equal(dedup.has(uuid(id)), true);
  }
});

it("ids that differ in any one digit are different", () => {
  const dedup = new DedupSet(1000);
  const places = [...uuid(0)].flatMap((letter, place) => (letter === "-" ? [] : [place]));
  const all = places.map((place) => `${uuid(0).slice(0, place)}d${uuid(0).slice(place + 1)}`);
  // One of them equals the original, whose digit there is already d.
  const others = all.filter((id) => id !== uuid(0));
  assert.equal(others.length, 31);
  for (const id of [uuid(0), ...others]) {
    assert.equal(dedup.has(id), false);
    assert.equal(dedup.add(id), true);
  }
});

it("ids that differ in any one digit are different even where they share one of two slots", () => {
  for (const [place, digit] of [...uuid(0)].entries()) {
    for (const other of digit === "-" ? [] : "123456789abcdef") {
      const dedup = new DedupSet(1);
      const id = `${uuid(0).slice(0, place)}${other}${uuid(0).slice(place + 1)}`;
      assert.equal(dedup.add(uuid(0)), true);
      assert.equal(dedup.has(id), other === digit);
    }
  }
});

it("each counted trade is passed on once, live or missed, and so is each trade from before", () => {
  const state = new State();
  const fresh: TradeEvent[] = [];
  const backfilled: TradeEvent[] = [];
  state.onFresh((trades) => fresh.push(...trades));
  state.onBackfill((trades) => backfilled.push(...trades));
  state.backfill([rawEvent(1), rawEvent(1)]);
  state.add([rawEvent(2), rawEvent(2)]);
  state.addMissed([rawEvent(2), rawEvent(3)]);
  state.backfill([rawEvent(3)]);
  assert.deepEqual(ids(fresh), ids([trade(2), trade(3)]));
  assert.deepEqual(ids(backfilled), ids([trade(1)]));
});

it("a gap before the first trade begins where the page became live, not where it began to connect", () => {
  const state = new State();
  assert.deepEqual(state.connection, { phase: "connecting", silentSinceMs: undefined });
  state.connected({ phase: "connecting", silentSinceMs: undefined });
  state.connected({ phase: "live", sinceMs: TEN });
  assert.deepEqual(state.connection, { phase: "live", sinceMs: TEN });
  assert.equal(state.gapStart.sinceMs, TEN);
});

it("dismissed gaps are forgotten", () => {
  const state = new State();
  const gap = { since: 10, until: 11, reason: "away" } as const;
  state.addGap(gap);
  state.announcedGap = gap;
  state.dismissGaps();
  assert.deepEqual(state.gaps, []);
  assert.equal(state.announcedGap, undefined);
});

it("beyond three gaps the oldest are merged", () => {
  const state = new State();
  for (const start of [10, 20, 30, 40, 50]) {
    state.addGap({ since: start, until: start + 1, reason: "restarted" });
  }
  assert.deepEqual(state.gaps, [
    { since: 10, until: 31, reason: "several" },
    { since: 40, until: 41, reason: "restarted" },
    { since: 50, until: 51, reason: "restarted" },
  ]);
});

it("the rate covers the last five seconds", () => {
  const rate = new RateMeter();
  assert.equal(rate.perSecond, 0);
  for (let second = 0; second <= 10; second += 1) {
    rate.sample(second * 1000, second * 50);
  }
  assert.equal(rate.perSecond, 50);
  for (let second = 11; second <= 16; second += 1) {
    rate.sample(second * 1000, 500);
  }
  assert.equal(rate.perSecond, 0);
});

it("backlog is counted, but not for the rate", () => {
  const state = new State();
  state.connected({ phase: "live", sinceMs: TEN + 1 });
  state.add([rawEvent(0), rawEvent(999), rawEvent(1000), rawEvent(2000)]);
  assert.equal(state.count, 4);
  assert.equal(state.liveCount, 2);
});

it("latency has a median and a 99th percentile", () => {
  const latency = new LatencyMeter();
  assert.equal(latency.read(), undefined);
  for (let ms = 1; ms <= 100; ms += 1) {
    latency.add(899 + ms);
  }
  latency.painted(1000);
  assert.deepEqual(latency.read(), { medianMs: 50, p99Ms: 99, delayed: 0 });
});

it("only trades posted while the page was connected and visible count for latency", () => {
  const state = new State();
  state.connected({ phase: "live", sinceMs: TEN + 1 });
  state.add([rawEvent(0)]);
  state.painted(TEN + 60_000);
  assert.equal(state.latency.read(), undefined);
  assert.equal(state.visible, true);
  state.setVisible(false);
  state.add([rawEvent(2000)]);
  state.setVisible(true);
  state.painted(TEN + 60_000);
  assert.equal(state.latency.read(), undefined);
  state.add([rawEvent(3000)]);
  state.painted(TEN + 10);
  assert.deepEqual(state.latency.read(), { medianMs: 7, p99Ms: 7, delayed: 0 });
});

function tradesNewestFirst(from: number, to: number) {
  return Array.from({ length: to - from }, (_, index) => trade(to - 1 - index));
}

it("the page is of the version that ran when it was opened, also if another one runs later", () => {
  const state = new State();
  state.connected({ phase: "live", sinceMs: TEN });
  assert.deepEqual([state.ownVersion, state.version], ["", ""]);
  state.connected({ phase: "live", sinceMs: TEN, version: "0.2.0" });
  state.connected({ phase: "live", sinceMs: TEN, version: "0.3.0" });
  state.connected({ phase: "live", sinceMs: TEN });
  assert.deepEqual([state.ownVersion, state.version], ["0.2.0", "0.3.0"]);
});
