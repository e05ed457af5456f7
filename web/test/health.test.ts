/** How the stack stands: read from its own words, and said once it lasts. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { type Health, HealthWatch, parseHealth } from "../src/server/health.ts";
import { Faults } from "../src/status/alerts.ts";
import { settled, World } from "./helpers.ts";

// biome-ignore lint/style/useNamingConvention: as the API writes it
const TUBE = { ready: 3, reserved: 1, buried: 2, consumers: 1, oldest_seconds: 7 };
const READY = {
  status: "ready",
  parts: {
    queue: { status: "OK", tubes: { live: TUBE, archive: { ...TUBE, consumers: 0 } } },
    wsserver: { status: "OK", browsers: 5 },
    ledger: { status: "OK", tubes: { live: { waiting: 1500 }, archive: { waiting: 20 } } },
  },
};
const BEHIND = {
  status: "degraded",
  parts: { archive: { status: "behind", detail: "messages wait to be archived" } },
};

function health(answer: unknown): Health {
  const parsed = parseHealth(answer);
  if (!parsed) {
    throw new Error("the example is no health");
  }
  return parsed;
}

it("the figures of the state line are found", () => {
  const { tubes, browsers } = health(READY);
  assert.equal(browsers, 5);
  const [live] = tubes ?? [];
  assert.deepEqual([live?.name, live?.buried, live?.processors], ["live", 2, 1]);
  assert.equal(live?.oldestSeconds, 7);
});

it("jobs are as the queue counts them, and the messages in them as the ledger does", () => {
  const [live, archive] = health(READY).tubes ?? [];
  assert.deepEqual([live?.jobs, live?.waiting], [4, 1500]);
  assert.deepEqual([archive?.jobs, archive?.waiting], [4, 20]);
});

it("without a ledger nobody knows how many messages wait, which is not 0", () => {
  const { ledger: _, ...parts } = READY.parts;
  const [live] = health({ ...READY, parts }).tubes ?? [];
  assert.deepEqual([live?.jobs, live?.waiting], [4, undefined]);
});

it("what can't be asked is not known, which is not 0", () => {
  const { tubes, browsers } = health(BEHIND);
  assert.equal(tubes, undefined);
  assert.equal(browsers, undefined);
});

it("an answer that is none is none", () => {
  for (const answer of [null, {}, { status: "fine", parts: {} }, { status: "ready" }]) {
    assert.equal(parseHealth(answer), undefined);
  }
});

it("a fault is said when it lasts from one look to the next", () => {
  const faults = new Faults();
  assert.deepEqual(faults.lasting(health(BEHIND), true), []);
  assert.match(faults.lasting(health(BEHIND), true).join(" "), /^The archive is behind/u);
  assert.deepEqual(faults.lasting(health(READY), true), []);
});

it("a fault that the page has no words for is said in the part's own", () => {
  const faults = new Faults();
  const failing = health({
    ...BEHIND,
    parts: { programs: { status: "failing", detail: "demo was given up" } },
  });
  faults.lasting(failing, true);
  assert.deepEqual(faults.lasting(failing, true), ["programs: demo was given up."]);
});

it("which trades wait where no processor takes them is said in the reader's words", () => {
  const faults = new Faults();
  const idle = health({
    ...READY,
    status: "degraded",
    parts: {
      ...READY.parts,
      processors: { status: "unavailable", detail: "no processor takes from archive" },
    },
  });
  faults.lasting(idle, true);
  assert.match(faults.lasting(idle, true).join(" "), /^No processor archives trades: they wait/u);
});

it("without the live server, that nothing is handed to it goes without saying", () => {
  const faults = new Faults();
  const away = health({
    ...READY,
    status: "degraded",
    parts: {
      ...READY.parts,
      queue: { status: "OK", tubes: { live: { ...TUBE, consumers: 0 }, archive: TUBE } },
      processors: { status: "unavailable", detail: "no processor takes from live" },
      wsserver: { status: "unavailable", detail: "it does not answer" },
    },
  });
  faults.lasting(away, false);
  assert.deepEqual(faults.lasting(away, false), [
    "The live server is away: trades are archived, and wait to be shown.",
  ]);
});

it("while trades come live, it is the API that does not answer, and not the server", () => {
  const faults = new Faults();
  const silent: Health = { status: "unreachable", parts: [], tubes: undefined, browsers: undefined };
  faults.lasting(silent, true);
  assert.match(faults.lasting(silent, true).join(" "), /^The API does not answer.*trades still come/u);
  assert.match(faults.lasting(silent, false).join(" "), /^The server can’t be reached/u);
});

it("where trades are refused, it is not said that they may be", () => {
  const faults = new Faults();
  const down = health({
    status: "not ready",
    parts: { api: { status: "unavailable", detail: "it does not answer" } },
  });
  faults.lasting(down, true);
  assert.deepEqual(faults.lasting(down, true), [
    "Trades are refused at the moment.",
    "The API does not answer as it should.",
  ]);
});

it("that messages are refused is said first", () => {
  const faults = new Faults();
  const refusing = health({ ...BEHIND, status: "not ready" });
  faults.lasting(refusing, true);
  assert.match(faults.lasting(refusing, true)[0] ?? "", /refused/u);
});

it("it is asked every few seconds, sooner in trouble, and seldom while no one looks", async () => {
  const world = new World();
  let asked = 0;
  let response = (): Response => Response.json(READY);
  const watch = new HealthWatch(
    world.surroundings,
    async () => {
      asked += 1;
      await Promise.resolve();
      return response();
    },
    () => undefined,
  );
  watch.start();
  await settled();
  assert.equal(watch.latest.status, "ready");
  response = (): Response => new Response("<html>", { status: 502 });
  world.pass(3000);
  await settled();
  assert.equal(watch.latest.status, "unreachable");
  world.pass(1500);
  await settled();
  assert.equal(asked, 3);
  watch.show(false);
  world.pass(1500);
  await settled();
  world.pass(29_000);
  await settled();
  assert.equal(asked, 4);
  watch.show(true);
  await settled();
  assert.equal(asked, 5);
});
