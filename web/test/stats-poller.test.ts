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
  TEN,
  tradeAt,
} from "./helpers.ts";

/** A StatsPoller with an archive whose answers a test controls. */
class StatsFixture {
  readonly env = new FakeEnvironment();
  readonly addressBar: FakeAddressBar;
  readonly address: Address;
  readonly requests: string[] = [];
  todayMs = Date.UTC(2026, 10, 24);
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
      today: () => this.todayMs,
      changed: () => undefined,
    });
  }

  /** Returns the requests since the last call. */
  async takeRequests(): Promise<string[]> {
    await flushPromises();
    return this.requests.splice(0);
  }
}

const SINCE = "/api/stats?since=2026-11-";
const HOUR = `${SINCE}24T09%3A00%3A00Z`;
const QUARTER = `${SINCE}24T09%3A45%3A00Z`;
const WEEK = `${SINCE}17T10%3A00%3A00Z`;
const TODAY = `${SINCE}24T00%3A00%3A00Z`;

it("without filters, one request serves everything but today's count", async () => {
  const fixture = new StatsFixture();
  fixture.poller.start();
  assert.deepEqual(await fixture.takeRequests(), [HOUR, TODAY]);
  const { trades, countries, pairs, focus, error } = fixture.poller.latest;
  assert.ok(trades && trades === countries && countries === pairs);
  assert.deepEqual([focus, error], [undefined, ""]);
});

it("a chart's request leaves out its own filter", async () => {
  const fixture = new StatsFixture("?from=EUR&to=GBP&country=FR&window=7d");
  fixture.poller.start();
  assert.deepEqual(await fixture.takeRequests(), [
    `${WEEK}&from=EUR&to=GBP&country=FR`,
    `${WEEK}&from=EUR&to=GBP`,
    `${WEEK}&country=FR`,
    TODAY,
  ]);
});

it("a change of filters, range or focused pair is requested at once", async () => {
  const fixture = new StatsFixture();
  fixture.poller.start();
  await fixture.takeRequests();
  fixture.address.setRange({ window: "15m" });
  assert.equal(fixture.poller.latest.trades, undefined);
  assert.deepEqual(await fixture.takeRequests(), [QUARTER, TODAY]);
  fixture.poller.focusOn(EUR_GBP);
  fixture.poller.focusOn({ ...EUR_GBP });
  assert.deepEqual(await fixture.takeRequests(), [QUARTER, `${QUARTER}&from=EUR&to=GBP`, TODAY]);
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

it("if the archive is unavailable, a new range has no stats", async () => {
  const fixture = new StatsFixture();
  fixture.poller.start();
  await fixture.takeRequests();
  fixture.answer = () => new Response("", { status: 503 });
  fixture.address.setRange({ window: "7d" });
  await fixture.takeRequests();
  const { trades, countries, pairs, today, error } = fixture.poller.latest;
  assert.deepEqual([trades, countries, pairs], [undefined, undefined, undefined]);
  assert.ok(today);
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

it("every filter and the range apply to every request", async () => {
  const fixture = new StatsFixture(
    "?from=EUR&user=1&flag=x&min=1&max=2&q=a&since=2026-11-24T08:00Z&until=2026-11-24T09:00Z",
  );
  fixture.poller.start();
  const filters = "&from=EUR&user=1&flag=x&min=1&max=2&q=a";
  const span = "/api/stats?since=2026-11-24T08%3A00%3A00Z&until=2026-11-24T09%3A00%3A00Z";
  assert.deepEqual(await fixture.takeRequests(), [`${span}${filters}`, TODAY]);
});

it("all of the time is requested with a start, and counts live trades that match", async () => {
  const fixture = new StatsFixture("?window=all&user=134259");
  fixture.poller.start();
  const [request] = await fixture.takeRequests();
  assert.equal(request, "/api/stats?since=1970-01-01T00%3A00%3A00Z&user=134259");
  fixture.poller.add([tradeAt(1), tradeAt(2, { userId: "other" })]);
  fixture.env.advance(500);
  assert.equal(fixture.poller.latest.trades?.total.count, 11);
});

it("a relative range moves on, and its last stats stay until the next answer", async () => {
  const fixture = new StatsFixture();
  fixture.poller.start();
  await fixture.takeRequests();
  for (let seconds = 0; seconds < 64; seconds += 8) {
    fixture.env.advance(8000);
    assert.ok(fixture.poller.latest.trades);
    const [request = ""] = await fixture.takeRequests();
    assert.equal(request.includes("T09%3A01"), fixture.env.nowMs >= TEN + 60_000);
  }
});

it("a dialog that opens or closes causes no request", async () => {
  const fixture = new StatsFixture();
  fixture.poller.start();
  await fixture.takeRequests();
  fixture.address.open({ kind: "help" });
  fixture.address.closeDialog();
  assert.deepEqual(await fixture.takeRequests(), []);
});

it("today's trades are counted from the midnight of the reader's time zone", async () => {
  const fixture = new StatsFixture();
  fixture.poller.start();
  await fixture.takeRequests();
  assert.equal(fixture.poller.latest.today?.total.count, 10);
  fixture.todayMs -= 5.5 * 3_600_000;
  fixture.poller.restart();
  assert.deepEqual(await fixture.takeRequests(), [HOUR, `${SINCE}23T18%3A30%3A00Z`]);
});
