/** The audit trail: its client, its words, and its filters in the address. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test as it } from "node:test";
import { AuditClient } from "../src/audit/client.ts";
import { parsePage } from "../src/audit/record.ts";
import { ACTIONS, actionWords, chainWords, describe } from "../src/audit/words.ts";
import { Address } from "../src/filters/address.ts";
import { type AuditFilters, NO_AUDIT_FILTERS } from "../src/filters/audit.ts";
import { ALL, DEFAULT_RANGE, type Range } from "../src/filters/range.ts";
import { FakeAddressBar, flushPromises, TEN } from "./helpers.ts";

const TRAIL = 1000;
const HEAD = "0123456789abcdef";

function rawRecord(n: number): object {
  return {
    n,
    at: "2026-11-24T09:30:00.000000Z",
    action: "login",
    actor: "alice",
    role: "viewer",
    from: "10.0.0.7",
    requestId: "abc",
    result: "done",
    details: {},
    mac: HEAD,
  };
}

/** A server with a trail of so many records, and a client that reads it. */
class Scene {
  count = TRAIL;
  /** How many records a page has at most, whatever the limit: a page reads a part of the file. */
  pageMax = TRAIL;
  isAway = false;
  refusal: readonly [number, string] | undefined;
  readonly requests: URLSearchParams[] = [];
  readonly client = new AuditClient(
    (path) => this.#answer(path),
    () => TEN,
    () => undefined,
  );

  async start(filters: Partial<AuditFilters> = {}, range: Range = ALL): Promise<this> {
    this.client.follow({ ...NO_AUDIT_FILTERS, ...filters }, range);
    await this.client.refresh();
    return this;
  }

  get numbers(): readonly number[] {
    return this.client.latest.records.map(({ n }) => n);
  }

  get last(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.requests.at(-1) ?? []);
  }

  #answer(path: string): Promise<Response> {
    const query = new URL(path, "http://host").searchParams;
    this.requests.push(query);
    if (this.isAway) {
      return Promise.reject(new TypeError("Failed to fetch"));
    }
    if (this.refusal) {
      const [status, detail] = this.refusal;
      const errors = [{ field: null, code: "x", detail }];
      return Promise.resolve(Response.json({ status: "FAILED", errors }, { status }));
    }
    const from = Number(query.get("cursor") ?? this.count);
    const length = Math.min(Number(query.get("limit")), this.pageMax, from - Number(query.get("after") ?? 0));
    const last = from - length;
    const records = Array.from({ length }, (_, index) => rawRecord(from - index));
    return Promise.resolve(
      Response.json({
        records: query.get("actor") === "nobody" ? [] : records,
        next: last > Number(query.get("after") ?? 0) ? String(last) : null,
        unreadable: 0,
        reached: "2026-11-24T09:00:00.000000Z",
        chain: { count: this.count, head: HEAD, status: "whole", checked: this.count, detail: "" },
      }),
    );
  }
}

it("the newest records come first, and older ones follow without a gap", async () => {
  const scene = await new Scene().start();
  assert.deepEqual([scene.numbers.length, scene.numbers[0]], [100, 1000]);
  assert.equal(scene.client.latest.hasOlder, true);
  await scene.client.loadOlder();
  assert.deepEqual(
    scene.numbers,
    Array.from({ length: 200 }, (_, index) => 1000 - index),
  );
  assert.deepEqual(scene.last, { limit: "100", cursor: "900" });
});

it("new records come above the others, and the request asks for no more than those", async () => {
  const scene = await new Scene().start();
  scene.count += 2;
  await scene.client.refresh();
  assert.deepEqual(scene.numbers.slice(0, 3), [1002, 1001, 1000]);
  assert.deepEqual(scene.last, { limit: "1000", after: "1000" });
  await scene.client.refresh();
  assert.equal(scene.last["after"], "1002");
  assert.equal(new Set(scene.numbers).size, 102);
});

it("if more came than a page has, or the trail is another one, the list starts anew", async () => {
  const scene = await new Scene().start();
  scene.count += 5000;
  scene.pageMax = 500;
  await scene.client.refresh();
  assert.deepEqual([scene.numbers[0], scene.numbers.length], [6000, 100]);
  scene.count = 10;
  await scene.client.refresh();
  assert.deepEqual([scene.numbers[0], scene.numbers.length], [10, 10]);
});

it("a search that finds little asks for some pages, says how far it went, and goes on when asked", async () => {
  const scene = await new Scene().start({ actor: "nobody" });
  assert.equal(scene.requests.length, 5);
  assert.deepEqual(
    [scene.numbers.length, scene.client.latest.hasOlder, scene.client.latest.reachedMs],
    [0, true, Date.UTC(2026, 10, 24, 9)],
  );
  await scene.client.loadOlder();
  assert.deepEqual([scene.requests.length, scene.client.latest.hasOlder], [10, false]);
});

it("filters and the time range go to the server, and a change of them starts anew", async () => {
  const scene = await new Scene().start(
    { action: "login", result: "refused", q: "10.0 alice" },
    DEFAULT_RANGE,
  );
  assert.deepEqual(Object.fromEntries(scene.requests[0] ?? []), {
    action: "login",
    result: "refused",
    q: "10.0 alice",
    since: "2026-11-24T09:00:00Z",
    limit: "100",
  });
  scene.client.follow({ ...NO_AUDIT_FILTERS, actor: "alice" }, DEFAULT_RANGE);
  assert.deepEqual([scene.client.latest.phase, scene.numbers], ["loading", []]);
  await flushPromises();
  assert.equal(scene.last["actor"], "alice");
  assert.equal(scene.client.latest.phase, "ready");
});

it("an answer for the filters before is dropped", async () => {
  const scene = await new Scene().start();
  const late = scene.client.loadOlder();
  scene.client.follow({ ...NO_AUDIT_FILTERS, actor: "nobody" }, ALL);
  await late;
  await flushPromises();
  assert.deepEqual(scene.numbers, []);
});

it("without an answer the records stay, and a later answer goes on", async () => {
  const scene = await new Scene().start();
  scene.isAway = true;
  await scene.client.refresh();
  assert.deepEqual([scene.client.latest.error, scene.numbers.length], ["The server does not answer.", 100]);
  scene.isAway = false;
  await scene.client.refresh();
  assert.equal(scene.client.latest.error, "");
});

it("a trail that can't be read is reported in the server's words, and the page keeps trying", async () => {
  const scene = new Scene();
  scene.refusal = [
    503,
    "The request can't be answered now: the audit trail can't be read: Permission denied.",
  ];
  await scene.start();
  assert.match(scene.client.latest.error, /Permission denied/u);
  scene.refusal = [403, "alice needs the role admin."];
  await scene.client.refresh();
  assert.equal(scene.client.latest.error, "The audit trail needs the role admin.");
  scene.refusal = undefined;
  await scene.client.refresh();
  assert.deepEqual([scene.client.latest.error, scene.numbers.length], ["", 100]);
});

it("a malformed answer gives no page, and a malformed record is left out", () => {
  assert.equal(parsePage({ records: [] }), undefined);
  assert.equal(parsePage([]), undefined);
  const chain = { count: 1, head: HEAD, status: "whole" };
  const page = parsePage({ records: [rawRecord(1), { n: "2" }, "x"], next: null, chain });
  assert.deepEqual([page?.records.length, page?.next, page?.chain.checked], [1, undefined, 0]);
});

it("every action of the documentation has words", async () => {
  const [, table = ""] = (await readFile("../docs/audit.md", "utf8")).split("## Actions");
  const rows = table.split("\n").filter((line) => line.startsWith("| `"));
  const actions = rows.flatMap((row) =>
    [...(row.split(" | ")[0] ?? "").matchAll(/`([a-z-]+)`/gu)].map(([, name]) => name),
  );
  assert.ok(actions.length > 15);
  assert.deepEqual(new Set(actions), new Set(Object.keys(ACTIONS)));
  assert.equal(actionWords("key-frozen"), "Key frozen");
});

it("details are in words, and a pseudonym stays as it is", () => {
  assert.deepEqual(
    describe({
      name: "alpha",
      roles: ["producer", "viewer"],
      expires: null,
      leftOut: 3,
      everywhere: true,
      sessions: [],
      parameters: { user: "user-0f", q: "" },
      ["TRADEWIRE_LISTEN"]: { before: "a", now: "b" },
      letters: [{ tube: "live", id: "7", sha256: "00" }],
    }),
    [
      { label: "Name", values: ["alpha"] },
      { label: "Roles", values: ["producer, viewer"] },
      { label: "Expires", values: ["none"] },
      { label: "Refusals left out before", values: ["3"] },
      { label: "Everywhere", values: ["yes"] },
      { label: "Sessions", values: ["none"] },
      { label: "Parameters", values: ["User: user-0f, Search: empty"] },
      { label: "TRADEWIRE_LISTEN", values: ["Before: a, Now: b"] },
      { label: "Dead letters", values: ["Tube: live, Id: 7, SHA-256: 00"] },
    ],
  );
});

it("the state of the chain is a sentence", () => {
  const chain = { count: 1234, head: HEAD, status: "whole", checked: 1234, detail: "" };
  assert.equal(chainWords(chain, "en"), "✓ 1,234 records, as they were written.");
  assert.equal(
    chainWords({ ...chain, checked: 1230 }, "en"),
    "✓ 1,234 records. All but the newest 4 are as they were written.",
  );
  assert.match(chainWords({ ...chain, status: "checking" }, "en"), /^… 1,234 records/u);
  assert.equal(
    chainWords({ ...chain, status: "damaged", detail: "line 2: record 2 was changed" }, "en"),
    "▲ 1,234 records. Line 2: record 2 was changed.",
  );
  assert.match(
    chainWords({ ...chain, status: "unknown", detail: "no key" }, "en"),
    /can’t be checked: no key/u,
  );
});

it("the address has the filters while the trail is open, and Back undoes a change", () => {
  const bar = new FakeAddressBar();
  const address = new Address(bar);
  address.open({ kind: "audit", filters: NO_AUDIT_FILTERS });
  address.setAuditFilters({ action: "login" });
  address.setAuditFilters({ action: "login" });
  address.setRange({ window: "7d" });
  assert.deepEqual(bar.steps, [
    "",
    "#audit",
    "?audit-action=login#audit",
    "?window=7d&audit-action=login#audit",
  ]);
  bar.back();
  bar.back();
  assert.deepEqual(address.dialog, { kind: "audit", filters: NO_AUDIT_FILTERS });
});

it("closing the trail closes it, also after a change of its filters, and leaves no filter behind", () => {
  const bar = new FakeAddressBar();
  const address = new Address(bar);
  address.open({ kind: "audit", filters: NO_AUDIT_FILTERS });
  address.closeDialog();
  assert.deepEqual(bar.steps, [""]);
  address.open({ kind: "audit", filters: NO_AUDIT_FILTERS });
  address.setAuditFilters({ q: "x" });
  address.closeDialog();
  assert.equal(address.dialog, undefined);
  assert.equal(bar.query, "");
});

it("a link opens the trail with its filters, and says which of them are not valid", () => {
  const address = new Address(
    new FakeAddressBar("?audit-actor=alice&audit-result=x&audit-action=Y&audit-q=z&audit-x=1#audit"),
  );
  assert.deepEqual(address.dialog, {
    kind: "audit",
    filters: { ...NO_AUDIT_FILTERS, actor: "alice", q: "z" },
  });
  assert.deepEqual(address.problems, [
    "The page knows no “audit-x”. It is ignored.",
    "“audit-action=Y” is not valid. It is ignored.",
    "“audit-result=x” is not valid. It is ignored.",
  ]);
});
