/** Operations: dead letters and their token, the ledger in summary, and polling. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { parseDeadLetters } from "../src/ops/dead-letter.ts";
import { DeadLetterClient } from "../src/ops/dead-letters.ts";
import { remark } from "../src/ops/dead-letters-view.ts";
import { age, componentLabel } from "../src/ops/labels.ts";
import { summarize } from "../src/ops/ledger-summary.ts";
import type { Fetch } from "../src/server/fetch.ts";
import type { Health } from "../src/server/health.ts";
import { outcomesOf, parseLedger } from "../src/server/ledger.ts";
import { Poll } from "../src/server/poll.ts";
import { FakeEnvironment, flushPromises } from "./helpers.ts";

const LETTERS = [
  {
    id: "b_7-Z",
    tube: "live",
    reason: "because",
    deadLetteredAt: "2026-11-24T10:00:00.123456Z",
    event: { id: "a" },
  },
  { id: "7", tube: "archive", reason: "put here directly", deadLetteredAt: null, event: "not JSON" },
];

/** A server with dead letters and the token `secret`, which records its requests. */
class FakeServer {
  letters: readonly object[] = LETTERS;
  /** The answer to a change. */
  answer: object = { status: "OK" };
  readonly requests: string[] = [];
  pending: Promise<void> | undefined;

  readonly fetch: Fetch = async (path, { method = "GET", headers }) => {
    this.requests.push(`${method} ${path}`);
    if (new Headers(headers).get("authorization") !== "Bearer secret") {
      return new Response(JSON.stringify({ status: "FAILED", errors: [] }), { status: 401 });
    }
    const answer = JSON.stringify(method === "GET" ? { deadLetters: this.letters } : this.answer);
    await this.pending;
    return new Response(answer);
  };
}

/** A promise with its resolve function. */
function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

async function unlocked(server = new FakeServer()): Promise<DeadLetterClient> {
  const client = new DeadLetterClient(server.fetch, () => undefined);
  await client.unlock("secret");
  return client;
}

it("if the queue is unavailable, the number of dead letters is unknown", () => {
  const { latest } = new DeadLetterClient(new FakeServer().fetch, () => undefined);
  const silent: Health = { status: "unreachable", components: [], tubes: undefined, home: "var" };
  assert.equal(remark(latest, silent), "The number of dead letters is unknown.");
  assert.equal(remark(latest, { ...silent, status: "ready", tubes: [] }), "No dead letters.");
});

it("a dead letter's body is text", () => {
  const [first, second] = parseDeadLetters({ deadLetters: LETTERS }) ?? [];
  assert.equal(first?.body, '{\n  "id": "a"\n}');
  assert.equal(first?.deadLetteredMs, Date.UTC(2026, 10, 24, 10, 0, 0, 123));
  assert.equal(second?.body, "not JSON");
  assert.equal(second?.deadLetteredMs, undefined);
  assert.notEqual(first?.key, second?.key);
  assert.equal(parseDeadLetters({ status: "OK" }), undefined);
});

it("the token unlocks the list, and a wrong token is dropped with an error", async () => {
  const server = new FakeServer();
  const client = new DeadLetterClient(server.fetch, () => undefined);
  await client.unlock("wrong");
  assert.equal(client.latest.phase, "locked");
  assert.match(client.latest.error, /not the stack’s operator token/u);
  await client.refresh();
  assert.equal(server.requests.length, 1, "without a token nothing is requested");
  await client.unlock("secret");
  assert.equal(client.latest.phase, "unlocked");
  assert.equal(client.latest.list.length, 2);
  assert.equal(client.latest.error, "");
});

it("a token that a header can't carry is rejected", async () => {
  const server = new FakeServer();
  const client = new DeadLetterClient(server.fetch, () => undefined);
  await client.unlock("schlüssel");
  assert.match(client.latest.error, /token/u);
  assert.deepEqual(server.requests, []);
});

it("a requeued or deleted dead letter leaves the list, and the result is reported", async () => {
  const server = new FakeServer();
  const client = await unlocked(server);
  const [first, second] = client.latest.list;
  assert.ok(first && second);
  await client.requeue(first);
  await client.discard(second);
  assert.deepEqual(server.requests.slice(1), [
    "POST /api/dead-letters/live/b_7-Z/requeue",
    "DELETE /api/dead-letters/archive/7",
  ]);
  assert.deepEqual(client.latest.list, []);
  assert.equal(client.latest.busy.size, 0);
});

it("a requeue says what came of it", async () => {
  for (const [answer, result] of [
    [{ result: "taken", reason: null }, "requeued, and processed."],
    [{ result: "failed-again", reason: "still because" }, "requeued, and failed again: still because."],
    [
      { result: "pending", reason: null },
      "requeued, and waits. Its trade’s history will tell what came of it.",
    ],
  ] as const) {
    const server = new FakeServer();
    server.answer = answer;
    const client = await unlocked(server);
    const [first] = client.latest.list;
    assert.ok(first);
    await client.requeue(first);
    assert.equal(client.latest.result, `b_7-Z of live: ${result}`);
  }
});

it("all dead letters of a tube are requeued with one request, and the list is loaded again", async () => {
  const server = new FakeServer();
  const client = await unlocked(server);
  server.letters = LETTERS.slice(1);
  server.answer = { status: "OK", requeued: 120, left: 0, failedAgain: 0 };
  await client.requeueAll("live");
  assert.equal(client.latest.result, "Requeued: 120 of live. None has failed again so far.");
  assert.deepEqual(server.requests.slice(1), [
    "POST /api/dead-letters/requeue?tube=live",
    "GET /api/dead-letters?limit=100",
  ]);
  assert.equal(client.latest.list.length, 1);
  assert.equal(client.latest.busy.size, 0);
  server.answer = { status: "OK", requeued: 7, left: 3, failedAgain: 2 };
  await client.requeueAll("archive");
  assert.equal(client.latest.result, "Requeued: 7 of archive. 3 are left. 2 failed again.");
});

it("a dead letter that came back has its earlier reason", () => {
  const [first, second] =
    parseDeadLetters({
      deadLetters: [{ ...LETTERS[0], requeued: 2, earlierReason: "before" }, LETTERS[1]],
    }) ?? [];
  assert.deepEqual([first?.requeued, first?.earlierReason], [2, "before"]);
  assert.deepEqual([second?.requeued, second?.earlierReason], [0, ""]);
});

it("a dead letter names its trade only if its event has the id of one", () => {
  const id = "0197b3c2-5d0e-7a41-8c3f-2b6d9e1f4a70";
  const deadLetters = [{ ...LETTERS[0], event: { id } }, ...LETTERS, { ...LETTERS[0], event: null }];
  const ids = parseDeadLetters({ deadLetters })?.map(({ tradeId }) => tradeId);
  assert.deepEqual(ids, [id, undefined, undefined, undefined]);
});

it("a list requested before a change is dropped", async () => {
  const server = new FakeServer();
  const client = await unlocked(server);
  const [first] = client.latest.list;
  assert.ok(first);
  const { promise, resolve } = deferred();
  server.pending = promise;
  const late = client.refresh();
  server.pending = undefined;
  await client.requeue(first);
  resolve();
  await late;
  assert.equal(client.latest.list.length, 1);
});

it("an error is reported, and the list stays", async () => {
  const server = new FakeServer();
  let isUnavailable = false;
  const client = new DeadLetterClient(
    (path, init) => (isUnavailable ? Promise.reject(new TypeError("unavailable")) : server.fetch(path, init)),
    () => undefined,
  );
  await client.unlock("secret");
  isUnavailable = true;
  await client.refresh();
  assert.match(client.latest.error, /does not answer/u);
  assert.equal(client.latest.list.length, 2);
  isUnavailable = false;
  await client.refresh();
  assert.equal(client.latest.error, "");
});

it("the ledger is summarized in one sentence", () => {
  const tubes = (missing: number, unanswered = 0): object => ({
    archive: { archived: 1000, missing: 0, unanswered },
    live: { shown: 1000 - missing, missing, unanswered: 0 },
  });
  const summary = (status: string, counts: object): string => {
    const ledger = parseLedger({ status, accepted: 1000, tubes: counts });
    assert.ok(ledger);
    return summarize(ledger, "en");
  };
  assert.equal(summary("balanced", tubes(0)), "Balanced: all 1,000 accepted messages are accounted for.");
  assert.match(summary("balanced", tubes(0, 2)), /More arrived than were accepted/u);
  assert.equal(summary("loss", tubes(3)), "Loss: 3 of 1,000 accepted messages are missing.");
  assert.match(summary("settling", tubes(1)), /^Some messages are still on their way/u);
  assert.equal(parseLedger({ status: "FAILED" }), undefined);
});

it("the ledger's lines and columns are named by its consumers", () => {
  const shown = { name: "shown", label: "Shown", meaning: "to browsers" };
  const delivered = { name: "delivered", label: "Delivered", meaning: "to the webhook" };
  const ledger = parseLedger({
    status: "balanced",
    accepted: 2,
    tubes: { live: { shown: 2 }, webhook: { delivered: 2 }, unnamed: {} },
    consumers: {
      live: { title: "Live view", outcomes: [shown] },
      webhook: { title: "Webhook", outcomes: [delivered, { label: "no name" }] },
    },
  });
  assert.ok(ledger);
  assert.deepEqual(
    ledger.tubes.map(({ title }) => title),
    ["Live view", "Webhook", "unnamed"],
  );
  const [first, second, third] = outcomesOf(ledger);
  assert.deepEqual([first, second, third?.name], [shown, delivered, "expired"]);
});

it("components are described by their problem, else by a fact", () => {
  const component = { name: "queue", status: "ok", detail: "", facts: { fill: 0.104 } };
  assert.equal(componentLabel(component), "10% full");
  assert.equal(componentLabel({ ...component, status: "nearly-full", detail: "a problem" }), "a problem");
  assert.equal(componentLabel({ ...component, name: "store" }), "");
});

it("ages are short, and a dash stands for none", () => {
  assert.deepEqual([0, 3, 119, 120, 7200, 172_800].map(age), ["–", "3 s", "119 s", "2 min", "2 h", "2 d"]);
});

it("polling repeats while active, one request at a time", async () => {
  const env = new FakeEnvironment();
  let requests = 0;
  let answer = deferred();
  const poll = new Poll(env.environment, () => {
    requests += 1;
    return answer.promise;
  });
  poll.setActive(true);
  poll.setActive(false);
  poll.setActive(true);
  env.advance(60_000);
  assert.equal(requests, 1, "the first answer is pending");
  answer.resolve();
  await flushPromises();
  answer = deferred();
  answer.resolve();
  env.advance(3000);
  await flushPromises();
  assert.equal(requests, 2);
  poll.setActive(false);
  env.advance(60_000);
  assert.equal(requests, 2);
});
