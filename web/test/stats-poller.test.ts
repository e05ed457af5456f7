/** The figures: which questions are asked of the archive, and when, and what is given out meanwhile. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { Address } from "../src/filters/address.ts";
import { StatisticsSource } from "../src/server/stats-poller.ts";
import { statisticsAnswer as answer, EUR_GBP, FakeBar, settled, tradeAt, World } from "./helpers.ts";

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
  assert.equal(desk.source.latest.leavesOut, "The figures ignore currency (but for the pairs).");
});
