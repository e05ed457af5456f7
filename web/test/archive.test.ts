/** What goes out to the archive, and what of its answers is believed. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { NO_FILTERS } from "../src/filters/filters.ts";
import { archive } from "../src/server/archive.ts";
import { TEN } from "./helpers.ts";

function answering(answer: unknown, status = 200) {
  const paths: string[] = [];
  const ask = archive((path) => {
    paths.push(path);
    const body = typeof answer === "string" ? answer : JSON.stringify(answer);
    return Promise.resolve(new Response(body, { status }));
  });
  return { ask, paths };
}

const NOTHING = { messages: [], next: null, archivedUpTo: null };

it("only what is known is asked for", async () => {
  const { ask, paths } = answering(NOTHING);
  await ask({ limit: 200 });
  assert.deepEqual(paths, ["/api/messages?limit=200"]);
});

it("filters are asked for as the API names them", async () => {
  const { ask, paths } = answering(NOTHING);
  await ask({ limit: 2, filters: { ...NO_FILTERS, from: "EUR", q: "a b" } });
  assert.deepEqual(paths, ["/api/messages?limit=2&from=EUR&q=a+b"]);
});

it("a stretch of time is rounded outward, and the cursor handed back as it came", async () => {
  const { ask, paths } = answering(NOTHING);
  await ask({ limit: 9, sinceMs: TEN + 0.7, untilMs: TEN + 5.2, cursor: "a&b=" });
  const query = new URLSearchParams(paths[0]?.replace("/api/messages?", ""));
  assert.deepEqual(Object.fromEntries(query), {
    limit: "9",
    since: "2026-11-24T10:00:00.000Z",
    until: "2026-11-24T10:00:00.006Z",
    cursor: "a&b=",
  });
});

it("a page is its messages, the next cursor, and up to when the archive is complete", async () => {
  const { ask } = answering({ messages: [1, 2], next: "c", archivedUpTo: "2026-11-24T10:00:00.500250Z" });
  assert.deepEqual(await ask({ limit: 2 }), { messages: [1, 2], next: "c", archivedUpToMs: TEN + 500.25 });
});

it("an archive that can't tell how far it is has passed no moment", async () => {
  const { ask } = answering(NOTHING);
  assert.equal((await ask({ limit: 1 })).archivedUpToMs, Number.NEGATIVE_INFINITY);
});

it("a refusal is an error that says which", async () => {
  const { ask } = answering({ status: "FAILED", errors: [] }, 503);
  await assert.rejects(ask({ limit: 1 }), /answered 503/u);
});

it("what makes no sense is an error", async () => {
  const nonsense = [
    "<html>",
    "null",
    "[]",
    { ...NOTHING, messages: {} },
    { ...NOTHING, next: 7 },
    { ...NOTHING, archivedUpTo: "yesterday" },
    { messages: [], next: null },
  ];
  for (const answer of nonsense) {
    const { ask } = answering(answer);
    await assert.rejects(ask({ limit: 1 }), JSON.stringify(answer));
  }
});
