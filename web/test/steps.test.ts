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
  for (const since of ["1970-01-01T00:00:00Z", "2000-01-01T00:00:00Z"]) {
    const list = counts(since, 40, 2, 0);
    assert.equal(list.length, 41);
    assert.deepEqual([list[0], ...list.slice(-3)], [41, 3, undefined, 1]);
  }
});

it("a chart has at least thirty steps, as far as its range has so many", () => {
  const list = counts("1970-01-01T00:00:00Z", 2, 0);
  assert.equal(list.length, 30);
  assert.deepEqual(list.slice(-4), [undefined, 3, undefined, 1]);
  assert.equal(counts("1970-01-01T00:00:00Z").length, 30);
  assert.equal(counts("2026-11-20T00:00:00Z", 2, 0).length, 5);
});

it("a range of days in a young archive has its minutes", () => {
  const since = new Date(NOON - 7 * DAY_MS).toISOString();
  const series = [59, 1, 0].map((minutes) => ({
    start: new Date(NOON - (minutes + 1) * 60_000).toISOString(),
    count: 1,
    flagged: 0,
  }));
  const stats = parseStats(statsAnswer({ since, until: new Date(NOON).toISOString(), step: 60, series }));
  const { list, sinceMs, untilMs } = allSteps(stats, NOON);
  assert.equal(list.length, 60);
  assert.deepEqual([sinceMs, untilMs], [NOON - 3_600_000, NOON]);
  assert.equal(list.filter((step) => step !== undefined).length, 3);
});

it("a range keeps its own start as long as it has no more steps than usual", () => {
  const since = new Date(NOON - 25 * 3_600_000).toISOString();
  const series = [{ start: new Date(NOON - 60_000).toISOString(), count: 1, flagged: 0 }];
  const stats = parseStats(statsAnswer({ since, until: new Date(NOON).toISOString(), step: 60, series }));
  assert.equal(allSteps(stats, NOON).list.length, 1500);
});

it("if even the trades are of too many days, the newest days are drawn", () => {
  assert.deepEqual(counts("1970-01-01T00:00:00Z", 9000, 1, 0).slice(-2), [2, 1]);
});
