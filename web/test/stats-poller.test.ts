/** Polling of statistics: requests, timing, and the published snapshots. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { Address } from "../src/filters/address.ts";
import { StatsPoller } from "../src/server/stats-poller.ts";
import {
  statsAnswer as answer,
  EUR_GBP,
  FakeAddressBar,
  FakeEnvironment,
  flushPromises,
  tradeAt,
} from "./helpers.ts";

/** A StatsPoller with an archive whose answers a test controls. */
class StatsFixture {
  readonly env = new FakeEnvironment();
  readonly addressBar: FakeAddressBar;
  readonly address: Address;
  readonly requests: string[] = [];
  readonly poller: StatsPoller;
  answer: () => Response = () => Response.json(answer());
  /** When answers arrive. */
  ready = Promise.resolve();

  constructor(query = "") {
    this.addressBar = new FakeAddressBar(query);
    this.address = new Address(this.addressBar);
    this.poller = new StatsPoller({
      timing: this.env.environment,
      fetch: async (path) => {
        this.requests.push(path);
        await this.ready;
        return this.answer();
      },
      address: this.address,
      serverNow: () => this.env.nowMs,
      changed: () => undefined,
    });
  }

  /** Returns the requests since the last call. */
  async takeRequests(): Promise<string[]> {
    await flushPromises();
    return this.requests.splice(0);
  }
}

const DAYS = "/api/stats?since=2026-11-22T00%3A00%3A00.000Z";

it("without filters, one request serves everything but the days", async () => {
  const fixture = new StatsFixture();
  fixture.poller.start();
  assert.deepEqual(await fixture.takeRequests(), ["/api/stats?window=1h", DAYS]);
  const { trades, countries, pairs, focus, error, ignoredFilters } = fixture.poller.latest;
  assert.ok(trades && trades === countries && countries === pairs);
  assert.deepEqual([focus, error, ignoredFilters], [undefined, "", ""]);
});

it("a chart's request leaves out its own filter", async () => {
  const fixture = new StatsFixture("?from=EUR&to=GBP&country=FR&window=7d");
  fixture.poller.start();
  assert.deepEqual(await fixture.takeRequests(), [
    "/api/stats?window=7d&from=EUR&to=GBP&country=FR",
    "/api/stats?window=7d&from=EUR&to=GBP",
    "/api/stats?window=7d&country=FR",
    DAYS,
  ]);
});

it("a change of filters, window or focused pair is requested at once", async () => {
  const fixture = new StatsFixture();
  fixture.poller.start();
  await fixture.takeRequests();
  fixture.address.setWindow("15m");
  assert.equal(fixture.poller.latest.trades, undefined);
  assert.deepEqual(await fixture.takeRequests(), ["/api/stats?window=15m", DAYS]);
  fixture.poller.focusOn(EUR_GBP);
  fixture.poller.focusOn({ ...EUR_GBP });
  assert.deepEqual(await fixture.takeRequests(), [
    "/api/stats?window=15m",
    "/api/stats?window=15m&from=EUR&to=GBP",
    DAYS,
  ]);
});

it("stats of earlier filters are never published, and stats of the same request stay", async () => {
  const fixture = new StatsFixture();
  fixture.poller.start();
  await fixture.takeRequests();
  const { pairs: all } = fixture.poller.latest;
  let arrive: () => void = () => undefined;
  const slow = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  fixture.ready = slow;
  fixture.address.setFilters({ ...EUR_GBP });
  await fixture.takeRequests();
  const { trades, countries, pairs } = fixture.poller.latest;
  assert.deepEqual([trades, countries], [undefined, undefined]);
  assert.equal(pairs, all);
  arrive();
  await fixture.takeRequests();
  assert.ok(fixture.poller.latest.trades && fixture.poller.latest.countries);
});

it("if the archive is unavailable, a new window has no stats", async () => {
  const fixture = new StatsFixture();
  fixture.poller.start();
  await fixture.takeRequests();
  fixture.answer = () => new Response("", { status: 503 });
  fixture.address.setWindow("7d");
  await fixture.takeRequests();
  const { trades, countries, pairs, days, error } = fixture.poller.latest;
  assert.deepEqual([trades, countries, pairs], [undefined, undefined, undefined]);
  assert.ok(days);
  assert.notEqual(error, "");
});

it("requests repeat every few seconds, but not while hidden", async () => {
  const fixture = new StatsFixture();
  fixture.poller.start();
  await fixture.takeRequests();
  fixture.env.advance(8000);
  assert.equal((await fixture.takeRequests()).length, 2);
  fixture.poller.setVisible(false);
  fixture.poller.add([tradeAt(1)]);
  fixture.env.advance(600_000);
  assert.equal(fixture.poller.latest.trades?.total.count, 10);
  assert.equal((await fixture.takeRequests()).length, 0);
  fixture.poller.setVisible(true);
  assert.equal((await fixture.takeRequests()).length, 2);
});

it("live trades change the stats twice a second, not one by one", async () => {
  const fixture = new StatsFixture();
  fixture.poller.start();
  await fixture.takeRequests();
  const before = fixture.poller.latest;
  fixture.poller.add([tradeAt(1), tradeAt(2)]);
  assert.equal(fixture.poller.latest, before);
  fixture.env.advance(500);
  assert.equal(fixture.poller.latest.trades?.total.count, 12);
});

it("the next answer replaces the added trades", async () => {
  const fixture = new StatsFixture();
  fixture.poller.start();
  await fixture.takeRequests();
  fixture.poller.add([tradeAt(1), tradeAt(2)]);
  fixture.answer = () => Response.json(answer({ total: { count: 12, flagged: 1 } }));
  fixture.env.advance(8000);
  await fixture.takeRequests();
  assert.equal(fixture.poller.latest.trades?.total.count, 12);
});

it("if the archive is unavailable, the last stats stay, and an error is reported", async () => {
  const fixture = new StatsFixture();
  fixture.poller.start();
  await fixture.takeRequests();
  const { answer: fine } = fixture;
  fixture.answer = () => new Response("", { status: 503 });
  fixture.env.advance(8000);
  await fixture.takeRequests();
  assert.equal(fixture.poller.latest.trades?.total.count, 10);
  assert.notEqual(fixture.poller.latest.error, "");
  fixture.answer = fine;
  fixture.env.advance(8000);
  await fixture.takeRequests();
  assert.equal(fixture.poller.latest.error, "");
});

it("if the API refuses the request, its detail is reported", async () => {
  const fixture = new StatsFixture();
  fixture.answer = () => Response.json({ errors: [{ detail: "No such country." }] }, { status: 400 });
  fixture.poller.start();
  await fixture.takeRequests();
  assert.equal(fixture.poller.latest.error, "No such country.");
});

it("filters that the stats don't apply are named", async () => {
  const fixture = new StatsFixture("?user=1&flag=x&min=1&q=a");
  fixture.poller.start();
  await fixture.takeRequests();
  assert.equal(
    fixture.poller.latest.ignoredFilters,
    "Map, chart and pairs don’t apply the user, flag, amount, and search filters.",
  );
  fixture.address.setFilters({ user: "", flag: "", min: "", q: "", from: "EUR" });
  assert.equal(fixture.poller.latest.ignoredFilters, "Map and chart don’t apply the currency filter.");
});
