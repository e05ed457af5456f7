/** The steps of a range that is much longer than the archive. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { allSteps } from "../src/series/steps.ts";
import { parseStats } from "../src/server/stats.ts";
import { statsAnswer } from "./helpers.ts";

const DAY_MS = 86_400_000;
const NOON = Date.UTC(2026, 10, 24, 12);

/** Counts by step of a range up to noon, with one trade on each of these days, counted back from today. */
function counts(since: string, ...daysAgo: readonly number[]): readonly (number | undefined)[] {
  const until = new Date(NOON).toISOString();
  const series = daysAgo.map((days) => {
    const start = new Date(Date.UTC(2026, 10, 24) - days * DAY_MS).toISOString();
    return { start, count: days + 1, flagged: 0 };
  });
  const stats = parseStats(statsAnswer({ since, until, step: DAY_MS / 1000, series }));
  return allSteps(stats, NOON).list.map((step) => step?.count);
}

it("a range that begins long before the first trade begins with it", () => {
  assert.deepEqual(counts("1970-01-01T00:00:00Z", 2, 0), [3, undefined, 1]);
  assert.deepEqual(counts("2000-01-01T00:00:00Z", 2, 0), [3, undefined, 1]);
});

it("if even the trades are of too many days, the newest days are drawn", () => {
  assert.deepEqual(counts("1970-01-01T00:00:00Z", 9000, 1, 0).slice(-2), [2, 1]);
});
