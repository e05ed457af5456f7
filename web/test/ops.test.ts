/** Operations: the token and what it opens, the ledger in words, asking again and again. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { Graveyard, parseBurials } from "../src/ops/dead-letters.ts";
import { remark } from "../src/ops/dead-letters-view.ts";
import { age, partWords } from "../src/ops/labels.ts";
import { parseLedger, verdict } from "../src/ops/ledger.ts";
import { Poll } from "../src/ops/poll.ts";
import type { Fetch } from "../src/server/fetch.ts";
import { type Health, parseHealth } from "../src/server/health.ts";
import { settled, World } from "./helpers.ts";

const BURIED = [
  { id: 7, tube: "live", reason: "because", buriedAt: "2026-11-24T10:00:00.123456Z", update: { id: "a" } },
  { id: 7, tube: "archive", reason: "put here by hand", buriedAt: null, update: "not JSON" },
];

/** A server with these burials and the token `secret`, and all that it was asked. */
class FakeServer {
  buried: readonly object[] = BURIED;
  readonly asked: string[] = [];
  held: Promise<void> | undefined;

  readonly fetch: Fetch = async (path, { method = "GET", headers }) => {
    this.asked.push(`${method} ${path}`);
    if (new Headers(headers).get("authorization") !== "Bearer secret") {
      return new Response(JSON.stringify({ status: "FAILED", errors: [] }), { status: 401 });
    }
    const answer = JSON.stringify(method === "GET" ? { buried: this.buried } : { status: "OK" });
    await this.held;
    return new Response(answer);
  };
}

/** A promise, and what keeps it. */
function promised(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((keep) => {
    resolve = keep;
  });
  return { promise, resolve };
}

async function opened(server = new FakeServer()): Promise<Graveyard> {
  const graveyard = new Graveyard(server.fetch, () => undefined);
  await graveyard.open("secret");
  return graveyard;
}

it("where the queue can't be asked, it is not said that nothing is buried", () => {
  const { latest } = new Graveyard(new FakeServer().fetch, () => undefined);
  const silent: Health = { status: "unreachable", parts: [], tubes: undefined, browsers: undefined };
  assert.equal(remark(latest, silent), "How many are buried is not known now.");
  assert.equal(remark(latest, { ...silent, status: "ready", tubes: [] }), "Nothing is buried.");
});

it("what is buried is text, whatever it was", () => {
  const [first, second] = parseBurials({ buried: BURIED }) ?? [];
  assert.equal(first?.body, '{\n  "id": "a"\n}');
  assert.equal(first?.buriedMs, Date.UTC(2026, 10, 24, 10, 0, 0, 123));
  assert.equal(second?.body, "not JSON");
  assert.equal(second?.buriedMs, undefined);
  assert.notEqual(first?.key, second?.key);
  assert.equal(parseBurials({ status: "OK" }), undefined);
});

it("the token opens the list, and a wrong one is forgotten, with words", async () => {
  const server = new FakeServer();
  const graveyard = new Graveyard(server.fetch, () => undefined);
  await graveyard.open("wrong");
  assert.equal(graveyard.latest.phase, "locked");
  assert.match(graveyard.latest.trouble, /not this stack’s token/u);
  await graveyard.refresh();
  assert.equal(server.asked.length, 1, "without a token nothing is asked");
  await graveyard.open("secret");
  assert.equal(graveyard.latest.phase, "open");
  assert.equal(graveyard.latest.list.length, 2);
  assert.equal(graveyard.latest.trouble, "");
});

it("what no header can carry is no token", async () => {
  const server = new FakeServer();
  const graveyard = new Graveyard(server.fetch, () => undefined);
  await graveyard.open("ünter uns");
  assert.match(graveyard.latest.trouble, /token/u);
  assert.deepEqual(server.asked, []);
});

it("what was put back or deleted is gone, and said", async () => {
  const server = new FakeServer();
  const graveyard = await opened(server);
  const [first, second] = graveyard.latest.list;
  assert.ok(first && second);
  await graveyard.putBack(first);
  assert.equal(graveyard.latest.done, "Put back: 7 of live.");
  await graveyard.remove(second);
  assert.deepEqual(server.asked.slice(1), [
    "POST /api/buried/live/7/put-back",
    "DELETE /api/buried/archive/7",
  ]);
  assert.deepEqual(graveyard.latest.list, []);
  assert.equal(graveyard.latest.busy.size, 0);
});

it("a list from before something was put back is not taken for one from after", async () => {
  const server = new FakeServer();
  const graveyard = await opened(server);
  const [first] = graveyard.latest.list;
  assert.ok(first);
  const { promise, resolve } = promised();
  server.held = promise;
  const late = graveyard.refresh();
  server.held = undefined;
  await graveyard.putBack(first);
  resolve();
  await late;
  assert.equal(graveyard.latest.list.length, 1);
});

it("a server that is away is said, and what was listed stays", async () => {
  const server = new FakeServer();
  let isAway = false;
  const graveyard = new Graveyard(
    (path, init) => (isAway ? Promise.reject(new TypeError("away")) : server.fetch(path, init)),
    () => undefined,
  );
  await graveyard.open("secret");
  isAway = true;
  await graveyard.refresh();
  assert.match(graveyard.latest.trouble, /does not answer/u);
  assert.equal(graveyard.latest.list.length, 2);
  isAway = false;
  await graveyard.refresh();
  assert.equal(graveyard.latest.trouble, "");
});

function health(missing: object): Health {
  const found = parseHealth({ status: "ready", parts: { ledger: { status: "OK", missing } } });
  if (!found) {
    throw new Error("the example is no health");
  }
  return found;
}

it("the ledger is one sentence", () => {
  const tubes = (missing: number, unanswered = 0): object => ({
    archive: { archived: 1000, missing: 0, unanswered },
    live: { shown: 1000 - missing, missing, unanswered: 0 },
  });
  const words = (status: string, counts: object, rest: object = {}): string => {
    const ledger = parseLedger({ status, accepted: 1000, tubes: counts });
    assert.ok(ledger);
    return verdict(ledger, health(rest), "en");
  };
  assert.equal(
    words("balanced", tubes(0)),
    "Balanced: each of the 1,000 messages accepted is accounted for.",
  );
  assert.match(words("balanced", tubes(0, 2)), /more than were accepted/u);
  assert.equal(words("loss", tubes(3)), "Loss: 3 of 1,000 messages accepted are nowhere to be found.");
  assert.match(words("settling", tubes(1), { live: 0 }), /^Settling.+nothing was missing\.$/u);
  assert.match(words("settling", tubes(1), { live: 1 }), /messages were missing\.$/u);
  assert.equal(parseLedger({ status: "FAILED" }), undefined);
});

it("parts say what is wrong with them, else a figure", () => {
  const part = { name: "queue", status: "OK", detail: "", facts: { fill: 0.104 } };
  assert.equal(partWords(part), "its log is 10 % full");
  assert.equal(partWords({ ...part, status: "nearly full", detail: "hurry" }), "hurry");
  assert.equal(partWords({ ...part, name: "store" }), "");
});

it("ages are short, and nothing that waits is a dash", () => {
  assert.deepEqual([0, 3, 119, 120, 7200, 172_800].map(age), ["–", "3 s", "119 s", "2 min", "2 h", "2 d"]);
});

it("it is asked every few seconds for as long as someone looks, and never twice at a time", async () => {
  const world = new World();
  let asked = 0;
  let answer = promised();
  const poll = new Poll(world.surroundings, () => {
    asked += 1;
    return answer.promise;
  });
  poll.watch(true);
  poll.watch(false);
  poll.watch(true);
  world.pass(60_000);
  assert.equal(asked, 1, "the first answer is still to come");
  answer.resolve();
  await settled();
  answer = promised();
  answer.resolve();
  world.pass(3000);
  await settled();
  assert.equal(asked, 2);
  poll.watch(false);
  world.pass(60_000);
  assert.equal(asked, 2);
});
