/** What the page knows: each trade once, the newest kept, all of them counted. */

import assert from "node:assert/strict";
import { test as it, mock } from "node:test";
import { LatencyMeter, RateMeter } from "../src/stream/meters.ts";
import { State } from "../src/stream/state.ts";
import { Seen } from "../src/trade/dedup-set.ts";
import { merge } from "../src/trade/merge.ts";
import { ids, rawUpdate, rawUpdates, TEN, update, uuid } from "./helpers.ts";

it("trades are held newest first", () => {
  const state = new State();
  state.add([rawUpdate(1), rawUpdate(2)]);
  state.add([rawUpdate(3)]);
  assert.deepEqual(ids(state.trades), ids([update(3), update(2), update(1)]));
});

it("a late trade finds its place", () => {
  const state = new State();
  state.add([rawUpdate(1), rawUpdate(5)]);
  state.add([rawUpdate(3)]);
  assert.deepEqual(ids(state.trades), ids([update(5), update(3), update(1)]));
});

it("a batch in any order comes out sorted", () => {
  const sorted = merge([update(4), update(2)], [update(5), update(1), update(6), update(3)]);
  assert.deepEqual(ids(sorted), ids([6, 5, 4, 3, 2, 1].map((number) => update(number))));
});

it("of the same microsecond, the greater id is the newer", () => {
  const state = new State();
  const { receivedAt } = update(1);
  state.add([rawUpdate(7, { receivedAt }), rawUpdate(9, { receivedAt }), rawUpdate(8, { receivedAt })]);
  assert.deepEqual(ids(state.trades), ids([update(9), update(8), update(7)]));
});

it("a trade that comes twice is held and counted once", () => {
  const state = new State();
  state.add([rawUpdate(1), rawUpdate(1)]);
  state.add([rawUpdate(1), rawUpdate(2)]);
  assert.equal(state.count, 2);
  assert.equal(state.trades.length, 2);
});

it("a trade that has left the list does not come back as new", () => {
  const state = new State();
  state.add(rawUpdates(0, 5000));
  state.add([rawUpdate(0)]);
  assert.equal(state.count, 5000);
});

it("of a burst of 20,000 the newest 1,000 are held and all are counted", () => {
  const state = new State();
  state.add(rawUpdates(0, 20_000));
  assert.equal(state.count, 20_000);
  assert.deepEqual(ids(state.trades), ids(rawUpdatesNewestFirst(19_000, 20_000)));
});

it("a trade older than all that are held is counted, and not held", () => {
  const state = new State();
  state.add(rawUpdates(10, 1010));
  const before = ids(state.trades);
  state.add([rawUpdate(5)]);
  assert.equal(state.count, 1001);
  assert.deepEqual(ids(state.trades), before);
});

it("a list that was handed out is never changed", () => {
  const state = new State();
  state.add([rawUpdate(1)]);
  const { trades } = state;
  state.add([rawUpdate(2)]);
  assert.deepEqual(ids(trades), ids([update(1)]));
});

it("malformed updates are skipped with a warning, the others of the frame are taken", () => {
  const warn = mock.method(console, "warn", () => undefined);
  const state = new State();
  state.add([null, rawUpdate(1), { id: "x" }]);
  assert.equal(state.count, 1);
  assert.match(String(warn.mock.calls[0]?.arguments[0]), /2 malformed updates of 3/u);
  warn.mock.restore();
});

it("ids are known for at least a generation, and never more than two are kept", () => {
  const seen = new Seen(10);
  for (let id = 0; id < 1000; id += 1) {
    assert.equal(seen.add(uuid(id)), true);
    assert(seen.size <= 20);
  }
  for (let id = 990; id < 1000; id += 1) {
    assert.equal(seen.add(uuid(id)), false);
    assert.equal(seen.has(uuid(id)), true);
  }
});

it("ids that differ in one digit are different ids, wherever that is", () => {
  const seen = new Seen(1000);
  const places = [...uuid(0)].flatMap((letter, place) => (letter === "-" ? [] : [place]));
  const all = places.map((place) => `${uuid(0).slice(0, place)}d${uuid(0).slice(place + 1)}`);
  // The one digit that is d already.
  const others = all.filter((id) => id !== uuid(0));
  assert.equal(others.length, 31);
  for (const id of [uuid(0), ...others]) {
    assert.equal(seen.has(id), false);
    assert.equal(seen.add(id), true);
  }
});

it("beyond three misses the oldest become one, so that none goes unsaid", () => {
  const state = new State();
  for (const start of [10, 20, 30, 40, 50]) {
    state.miss({ since: start, until: start + 1, why: "restarted" });
  }
  assert.deepEqual(state.misses, [
    { since: 10, until: 31, why: "several" },
    { since: 40, until: 41, why: "restarted" },
    { since: 50, until: 51, why: "restarted" },
  ]);
});

it("the rate is that of the last five seconds", () => {
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

it("what waited until the page was connected is counted, and says nothing about the rate", () => {
  const state = new State();
  state.connected({ phase: "live", sinceMs: TEN + 1 });
  state.add([rawUpdate(0), rawUpdate(999), rawUpdate(1000), rawUpdate(2000)]);
  assert.equal(state.count, 4);
  assert.equal(state.liveCount, 2);
});

it("latency is read as median and 99th percentile", () => {
  const latency = new LatencyMeter();
  assert.equal(latency.read(), undefined);
  for (let ms = 1; ms <= 100; ms += 1) {
    latency.arrived(1000 - ms);
  }
  latency.painted(1000);
  assert.deepEqual(latency.read(), { medianMs: 50, p99Ms: 99 });
});

it("only trades posted while the page was connected and in sight count for latency", () => {
  const state = new State();
  state.connected({ phase: "live", sinceMs: TEN + 1 });
  state.add([rawUpdate(0)]);
  state.painted(TEN + 60_000);
  assert.equal(state.latency.read(), undefined);
  state.show(false);
  state.add([rawUpdate(2000)]);
  state.show(true);
  state.painted(TEN + 60_000);
  assert.equal(state.latency.read(), undefined);
  state.add([rawUpdate(3000)]);
  state.painted(TEN + 10);
  assert.deepEqual(state.latency.read(), { medianMs: 7, p99Ms: 7 });
});

function rawUpdatesNewestFirst(from: number, to: number) {
  return Array.from({ length: to - from }, (_, index) => update(to - 1 - index));
}
