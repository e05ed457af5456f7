/** Queries to the archive, and the validation of its answers. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { NO_FILTERS } from "../src/filters/filters.ts";
import { NEWEST_FIRST } from "../src/filters/order.ts";
import { archiveQuery } from "../src/server/archive.ts";
import { TEN } from "./helpers.ts";

function answering(answer: unknown, status = 200) {
  const paths: string[] = [];
  const query = archiveQuery((path) => {
    paths.push(path);
    const body = typeof answer === "string" ? answer : JSON.stringify(answer);
    return Promise.resolve(new Response(body, { status }));
  });
  return { query, paths };
}

const NOTHING = { messages: [], next: null, basis: null, archivedUpTo: null };

it("only given parameters are sent", async () => {
  const { query, paths } = answering(NOTHING);
  await query({ limit: 200 });
  assert.deepEqual(paths, ["/api/messages?limit=200"]);
});

it("filters have the API's names", async () => {
  const { query, paths } = answering(NOTHING);
  await query({ limit: 2, filters: { ...NO_FILTERS, from: "EUR", q: "a b" } });
  assert.deepEqual(paths, ["/api/messages?limit=2&from=EUR&q=a+b"]);
});

it("a time range is rounded outward, and the cursor is sent unchanged", async () => {
  const { query, paths } = answering(NOTHING);
  await query({ limit: 9, sinceMs: TEN + 0.7, untilMs: TEN + 5.2, cursor: "a&b=" });
  const params = new URLSearchParams(paths[0]?.replace("/api/messages?", ""));
  assert.deepEqual(Object.fromEntries(params), {
    limit: "9",
    since: "2026-11-24T10:00:00Z",
    until: "2026-11-24T10:00:00.006Z",
    cursor: "a&b=",
  });
});

it("a page has its messages, the next cursor, and the time up to which the archive is complete", async () => {
  const archivedUpTo = "2026-11-24T10:00:00.500250Z";
  const { query } = answering({
    messages: [1, 2],
    next: "c",
    basis: null,
    archivedUpTo,
    keptSince: "2026-11-24T10:00:00Z",
  });
  const page = {
    messages: [1, 2],
    next: "c",
    basis: undefined,
    archivedUpToMs: TEN + 500.25,
    keptSinceMs: TEN,
  };
  assert.deepEqual(await query({ limit: 2 }), page);
});

it("an order other than newest first is sent, and the answer says which trades were read", async () => {
  const basis = { newest: 7, since: "2026-11-24T10:00:00Z" };
  const { query, paths } = answering({ ...NOTHING, basis });
  await query({ limit: 2, order: NEWEST_FIRST });
  const page = await query({ limit: 2, order: { by: "amountSell", direction: "descending" } });
  assert.deepEqual(paths, ["/api/messages?limit=2", "/api/messages?limit=2&sort=-amountSell"]);
  assert.deepEqual(page.basis, { newest: 7, sinceMs: TEN });
});

it("an archive that can't tell how far it is complete counts as empty", async () => {
  const { query } = answering(NOTHING);
  assert.equal((await query({ limit: 1 })).archivedUpToMs, Number.NEGATIVE_INFINITY);
});

it("a refusal is an error with its status", async () => {
  const { query } = answering({ status: "FAILED", errors: [] }, 503);
  await assert.rejects(query({ limit: 1 }), /answered 503/u);
});

it("an invalid answer is an error", async () => {
  const invalid = [
    "<html>",
    "null",
    "[]",
    { ...NOTHING, messages: {} },
    { ...NOTHING, next: 7 },
    { ...NOTHING, basis: { newest: "many" } },
    { ...NOTHING, archivedUpTo: "yesterday" },
    { messages: [], next: null },
  ];
  for (const answer of invalid) {
    const { query } = answering(answer);
    await assert.rejects(query({ limit: 1 }), JSON.stringify(answer));
  }
});
