/** Meters keep a bounded number of samples, and the clocks behind them. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { GapStart } from "../src/stream/gap-start.ts";
import { LatencyMeter, RateHistory, RateMeter } from "../src/stream/meters.ts";
import { ServerClock } from "../src/stream/server-clock.ts";

it("the rate history has the differences of the last 60 samples, oldest first", () => {
  const history = new RateHistory();
  assert.deepEqual(history.perSecond, []);
  let total = 0;
  for (let second = 1; second <= 60; second += 1) {
    total += second;
    history.sample(total);
  }
  assert.deepEqual(
    history.perSecond,
    Array.from({ length: 60 }, (_, index) => index + 1),
  );
  history.sample(total + 7);
  assert.equal(history.perSecond.length, 60);
  assert.equal(history.perSecond[0], 2);
  assert.equal(history.perSecond.at(-1), 7);
});

it("the rate is 0 without two samples at different times", () => {
  const rate = new RateMeter();
  rate.sample(1000, 5);
  assert.equal(rate.perSecond, 0);
  rate.sample(1000, 9);
  assert.equal(rate.perSecond, 0);
  rate.sample(3000, 25);
  assert.equal(rate.perSecond, 10);
});

it("one sample from before the window stays, even if the next is late", () => {
  const rate = new RateMeter();
  rate.sample(0, 0);
  rate.sample(1000, 10);
  rate.sample(5999, 20);
  assert.equal(rate.perSecond, 20_000 / 5999);
  rate.sample(6000, 30);
  assert.equal(rate.perSecond, 4);
  rate.sample(100_000, 40);
  assert.equal(rate.perSecond, 10_000 / 94_000);
});

it("latency is that of the latest 500 trades, and never negative", () => {
  const latency = new LatencyMeter();
  latency.add(2000);
  latency.painted(1000);
  assert.deepEqual(latency.read(), { medianMs: 0, p99Ms: 0, delayed: 0 });
  for (const receivedMs of [700, 800, 900]) {
    for (let trade = 0; trade < 250; trade += 1) {
      latency.add(receivedMs);
    }
    latency.painted(1000);
  }
  assert.deepEqual(latency.read(), { medianMs: 100, p99Ms: 200, delayed: 0 });
});

it("a drained backlog is counted, and does not hide the latency of the trades that follow", () => {
  const latency = new LatencyMeter();
  for (const receivedMs of [1000, 2000, 8000]) {
    latency.add(receivedMs);
  }
  latency.painted(10_000);
  assert.deepEqual(latency.read(), { medianMs: 8000, p99Ms: 9000, delayed: 0 });
  latency.add(10_000);
  latency.painted(10_003);
  assert.deepEqual(latency.read(), { medianMs: 3, p99Ms: 3, delayed: 3 });
});

it("trades that were pending when the page was hidden or shown say nothing about latency", () => {
  const latency = new LatencyMeter();
  latency.add(1);
  latency.discardPending();
  latency.painted(100_000);
  assert.equal(latency.read(), undefined);
});

it("of a burst between two frames the last trades count", () => {
  const latency = new LatencyMeter();
  for (let trade = 1; trade <= 1000; trade += 1) {
    latency.add(trade <= 500 ? 0 : 900);
  }
  latency.painted(1000);
  assert.deepEqual(latency.read(), { medianMs: 100, p99Ms: 100, delayed: 0 });
});

it("of 500 trades between two frames all count", () => {
  const latency = new LatencyMeter();
  for (let trade = 1; trade <= 500; trade += 1) {
    latency.add(trade <= 250 ? 900 : 800);
  }
  latency.painted(1000);
  assert.deepEqual(latency.read(), { medianMs: 100, p99Ms: 200, delayed: 0 });
});

it("the server's clock is trusted to equal ours if its time fits between request and answer", () => {
  const clock = new ServerClock();
  assert.equal(clock.at(5), 5);
  for (const serverMs of [1000, 1100, 1200]) {
    clock.adjust(serverMs, 1000, 1200);
    assert.equal(clock.at(50), 50);
  }
  clock.adjust(1201, 1000, 1200);
  assert.equal(clock.at(50), 151);
  clock.adjust(999, 1000, 1200);
  assert.equal(clock.at(50), -51);
});

it("a gap starts at the newest arrival less five seconds, but not before the page was connected", () => {
  const start = new GapStart();
  start.connected(10_000);
  start.connected(20_000);
  assert.equal(start.sinceMs, 10_000);
  start.advanceTo(12_000);
  assert.equal(start.sinceMs, 10_000);
  start.advanceTo(18_000);
  assert.equal(start.sinceMs, 13_000);
  start.advanceTo(9000);
  assert.equal(start.sinceMs, 13_000);
});

it("a trade from before the page was connected moves the start back", () => {
  const start = new GapStart();
  start.connected(10_000);
  start.advanceTo(9000);
  assert.equal(start.sinceMs, 9000);
});
