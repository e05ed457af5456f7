/** The stack's health: parsing, alerts and polling. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { type Health, HealthPoller, parseHealth } from "../src/server/health.ts";
import { StallWatch } from "../src/server/stall.ts";
import { type Alert, Alerts } from "../src/status/alerts.ts";
import { FakeEnvironment, flushPromises } from "./helpers.ts";

const TUBE = { ready: 3, reserved: 1, deadLetters: 2, consumers: 1, oldestJobAgeSeconds: 7 };
const READY = {
  status: "ready",
  components: {
    queue: { status: "ok", tubes: { live: TUBE, archive: { ...TUBE, consumers: 0 } } },
    wsserver: { status: "ok", browsers: 5 },
    ledger: { status: "ok", tubes: { live: { waiting: 1500 }, archive: { waiting: 20 } } },
  },
};
const BEHIND = {
  status: "degraded",
  components: { archive: { status: "behind", detail: "messages wait to be archived" } },
};

function health(answer: unknown): Health {
  const parsed = parseHealth(answer);
  if (!parsed) {
    throw new Error("the example is not a health report");
  }
  return parsed;
}

it("the values of the status line are read", () => {
  const { tubes } = health(READY);
  const [live] = tubes ?? [];
  assert.deepEqual([live?.name, live?.deadLetters, live?.consumers], ["live", 2, 1]);
  assert.equal(live?.oldestJobAgeSeconds, 7);
});

it("jobs are the queue's count, and waiting messages the ledger's", () => {
  const [live, archive] = health(READY).tubes ?? [];
  assert.deepEqual([live?.jobs, live?.waiting], [4, 1500]);
  assert.deepEqual([archive?.jobs, archive?.waiting], [4, 20]);
});

it("without a ledger the number of waiting messages is unknown, not 0", () => {
  const { ledger: _, ...components } = READY.components;
  const [live] = health({ ...READY, components }).tubes ?? [];
  assert.deepEqual([live?.jobs, live?.waiting], [4, undefined]);
});

it("values of missing components are unknown, not 0", () => {
  assert.equal(health(BEHIND).tubes, undefined);
});

it("a malformed answer is rejected", () => {
  for (const answer of [null, {}, { status: "fine", components: {} }, { status: "ready", components: 1 }]) {
    assert.equal(parseHealth(answer), undefined);
  }
});

it("readers who may not see the components know whether messages are accepted, and no more", () => {
  assert.deepEqual(parseHealth({ status: "ready" }), {
    status: "ready",
    components: [],
    tubes: undefined,
    home: "var",
  });
  assert.equal(parseHealth({ status: "FAILED", errors: [] }), undefined);
});

function texts(alerts: readonly Alert[]): string {
  return alerts.map(({ text }) => text).join(" ");
}

it("an alert is shown once its problem lasts from one poll to the next", () => {
  const alerts = new Alerts();
  assert.deepEqual(alerts.lasting(health(BEHIND), true), []);
  assert.match(texts(alerts.lasting(health(BEHIND), true)), /^The archive is behind/u);
  assert.deepEqual(alerts.lasting(health(READY), true), []);
});

it("a problem without a text of ours is shown in the component's words", () => {
  const alerts = new Alerts();
  const failing = health({
    ...BEHIND,
    components: { programs: { status: "failing", detail: "demo has failed" } },
  });
  alerts.lasting(failing, true);
  assert.equal(texts(alerts.lasting(failing, true)), "programs: demo has failed.");
});

it("a consumer that is away is described by its effect on trades, in the server's words", () => {
  const alerts = new Alerts();
  const idle = health({
    ...READY,
    status: "degraded",
    components: {
      ...READY.components,
      consumers: {
        status: "unavailable",
        detail: "no consumer takes",
        away: { archive: "No one archives." },
      },
    },
  });
  alerts.lasting(idle, true);
  assert.equal(texts(alerts.lasting(idle, true)), "No one archives.");
});

it("a consumer that is away and has no words of its own is named by its tube", () => {
  const alerts = new Alerts();
  const consumers = { status: "unavailable", away: { audit: "" } };
  const away = health({ ...READY, status: "degraded", components: { ...READY.components, consumers } });
  alerts.lasting(away, true);
  assert.equal(
    texts(alerts.lasting(away, true)),
    "No processor takes messages from the tube audit. They wait in the queue.",
  );
});

it("a stopped processor is named with the command that starts it, in the stack's own home", () => {
  const alerts = new Alerts();
  const away = health({
    ...READY,
    status: "degraded",
    components: {
      consumers: { status: "unavailable", away: { live: "Nothing is shown." } },
      programs: {
        status: "ok",
        states: { "processors:live-1": "stopped", "processors:archive": "stopped" },
        home: "/srv/tradewire",
      },
    },
  });
  alerts.lasting(away, true);
  assert.deepEqual(alerts.lasting(away, true), [
    {
      text: "Nothing is shown.",
      command: ".venv/bin/supervisorctl -c /srv/tradewire/conf/supervisord.conf start processors:live-1",
    },
  ]);
});

it("the feed is stalled if no processor feeds it in two polls", () => {
  const stall = new StallWatch();
  const tubes = { live: { ...TUBE, ready: 7, consumers: 0 } };
  const components = {
    queue: { status: "ok", tubes },
    ledger: { status: "ok", tubes: { live: { waiting: 1204 } } },
  };
  const away = (): Health => health({ ...READY, components });
  const first = away();
  assert.equal(stall.waiting(first), undefined);
  assert.equal(stall.waiting(first), undefined);
  assert.equal(stall.waiting(away()), 1204);
  assert.equal(stall.waiting(health(READY)), undefined);
});

it("without the ledger, jobs are not counted as trades that wait", () => {
  const stall = new StallWatch();
  const tubes = { live: { ...TUBE, ready: 7, consumers: 0 } };
  const away = (): Health => health({ ...READY, components: { queue: { status: "ok", tubes } } });
  stall.waiting(away());
  assert.equal(stall.waiting(away()), 0);
});

it("without the live server, its missing consumer is not mentioned", () => {
  const alerts = new Alerts();
  const away = health({
    ...READY,
    status: "degraded",
    components: {
      ...READY.components,
      queue: { status: "ok", tubes: { live: { ...TUBE, consumers: 0 }, archive: TUBE } },
      consumers: { status: "unavailable", detail: "no consumer takes", away: { live: "Nothing is shown." } },
      wsserver: { status: "unavailable", detail: "it does not answer" },
    },
  });
  alerts.lasting(away, false);
  assert.equal(
    texts(alerts.lasting(away, false)),
    "The live server is unavailable. Trades are archived, and wait to be shown.",
  );
});

it("while trades arrive live, the API is reported as silent, and not the server", () => {
  const alerts = new Alerts();
  const silent: Health = { status: "unreachable", components: [], tubes: undefined, home: "var" };
  alerts.lasting(silent, true);
  assert.match(texts(alerts.lasting(silent, true)), /^The API does not answer.*trades still arrive/u);
  assert.match(texts(alerts.lasting(silent, false)), /^The server is unreachable/u);
});

it("if trades are refused, the alert of the API does not say that they may be", () => {
  const alerts = new Alerts();
  const down = health({
    status: "not-ready",
    components: { ingest: { status: "unavailable", detail: "it does not answer" } },
  });
  alerts.lasting(down, true);
  assert.equal(
    texts(alerts.lasting(down, true)),
    "Trades are refused at the moment. The API does not answer correctly.",
  );
});

it("the refusal of trades comes first", () => {
  const alerts = new Alerts();
  const refusing = health({ ...BEHIND, status: "not-ready" });
  alerts.lasting(refusing, true);
  assert.match(texts(alerts.lasting(refusing, true).slice(0, 1)), /refused/u);
});

it("health is polled every few seconds, sooner when unhealthy, and rarely while hidden", async () => {
  const env = new FakeEnvironment();
  let requests = 0;
  let response = (): Response => Response.json(READY);
  const poller = new HealthPoller(
    env.environment,
    async () => {
      requests += 1;
      await Promise.resolve();
      return response();
    },
    () => undefined,
  );
  poller.start();
  await flushPromises();
  assert.equal(poller.latest.status, "ready");
  response = (): Response => new Response("<html>", { status: 502 });
  env.advance(3000);
  await flushPromises();
  assert.equal(poller.latest.status, "unreachable");
  env.advance(1500);
  await flushPromises();
  assert.equal(requests, 3);
  poller.setVisible(false);
  env.advance(1500);
  await flushPromises();
  env.advance(29_000);
  await flushPromises();
  assert.equal(requests, 4);
  poller.setVisible(true);
  await flushPromises();
  assert.equal(requests, 5);
});
