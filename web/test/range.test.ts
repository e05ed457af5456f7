/** The time range of the page: in the address, as bounds, and in words. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { parseTyped } from "../src/filterbar/typed-time.ts";
import { Address } from "../src/filters/address.ts";
import { NO_FILTERS } from "../src/filters/filters.ts";
import {
  ALL,
  DEFAULT_RANGE,
  isInSpan,
  parseRange,
  type Range,
  rangeLabel,
  spanOf,
  WINDOWS,
  writeRange,
  writeSpan,
} from "../src/filters/range.ts";
import { selects } from "../src/filters/selection.ts";
import { FakeAddressBar, TEN, trade } from "./helpers.ts";

const HOUR_MS = 3_600_000;
const SPAN = { sinceMs: TEN, untilMs: TEN + HOUR_MS };

function read(query: string): Range | undefined {
  return parseRange(new URLSearchParams(query));
}

function written(range: Range): string {
  const query = new URLSearchParams();
  writeRange(range, query);
  return decodeURIComponent(query.toString());
}

function label(range: Range): string {
  return rangeLabel(range, (ms) => new Date(ms).toISOString().slice(11, 16));
}

it("a range survives writing to an address and reading from it", () => {
  const open = [
    { sinceMs: TEN, untilMs: undefined },
    { sinceMs: undefined, untilMs: TEN },
  ];
  for (const range of [...WINDOWS.map((window) => ({ window })), ALL, SPAN, ...open]) {
    assert.deepEqual(read(written(range)) ?? DEFAULT_RANGE, range);
  }
  assert.equal(written(SPAN), "since=2026-11-24T10:00:00Z&until=2026-11-24T11:00:00Z");
});

it("an address without a range has the default range, which is not written", () => {
  assert.deepEqual(new Address(new FakeAddressBar()).range, DEFAULT_RANGE);
  assert.equal(written(DEFAULT_RANGE), "");
});

it("the bounds in an address may have any offset from UTC, and must have one", () => {
  assert.deepEqual(read("since=2026-11-24T11:00%2B01:00&until=2026-11-24t11:00z"), SPAN);
  assert.equal(read("since=2026-11-24T11:00"), undefined);
});

it("a range that the API would refuse is ignored", () => {
  for (const query of [
    "window=2h",
    "window=",
    "since=yesterday",
    "until=2026-02-30T00:00Z",
    "since=2026-11-24T10:00Z&until=2026-11-24T10:00Z",
    "since=2026-11-24T10:00Z&until=tomorrow",
  ]) {
    assert.equal(read(query), undefined, query);
  }
});

it("a window has its length up to now, and starts at a whole minute or hour, as the statistics do", () => {
  const now = TEN + 12_345;
  const starts = WINDOWS.map((window) => (TEN - (spanOf({ window }, now).sinceMs ?? 0)) / HOUR_MS);
  assert.deepEqual(starts, [0.25, 1, 24, 168]);
  assert.deepEqual(spanOf({ window: "7d" }, TEN + HOUR_MS - 1), spanOf({ window: "7d" }, TEN));
});

it("the start of a span is in it, and its end is not", () => {
  const times = [TEN - 1, TEN, TEN + HOUR_MS - 1, TEN + HOUR_MS];
  assert.deepEqual(
    times.map((ms) => isInSpan(SPAN, ms)),
    [false, true, true, false],
  );
  assert.ok(isInSpan(ALL, 0));
});

it("a trade is selected by filters and time of receipt", () => {
  assert.ok(selects({ filters: NO_FILTERS, span: SPAN }, trade(1)));
  assert.ok(!selects({ filters: { ...NO_FILTERS, from: "USD" }, span: SPAN }, trade(1)));
  assert.ok(!selects({ filters: NO_FILTERS, span: { sinceMs: TEN + 1, untilMs: undefined } }, trade(1)));
});

it("a range is described as the end of a sentence", () => {
  assert.equal(label({ window: "15m" }), "in the last 15 minutes");
  assert.equal(label({ window: "1h" }), "in the last hour");
  assert.equal(label(SPAN), "from 10:00 to 11:00");
  assert.equal(label({ ...SPAN, untilMs: undefined }), "since 10:00");
  assert.equal(label({ ...SPAN, sinceMs: undefined }), "before 11:00");
  assert.equal(label(ALL), "");
});

it("bounds are written to the API in full milliseconds outward", () => {
  const query = new URLSearchParams();
  writeSpan({ sinceMs: TEN + 0.5, untilMs: TEN + 0.5 }, query);
  assert.equal(query.get("since"), "2026-11-24T10:00:00Z");
  assert.equal(query.get("until"), "2026-11-24T10:00:00.001Z");
});

it("a typed date without a time stands for the whole day", () => {
  const midnight = Date.UTC(2026, 10, 24);
  assert.equal(parseTyped("2026-11-24", "utc", false), midnight);
  assert.equal(parseTyped("2026-11-24", "utc", true), midnight + 24 * HOUR_MS);
  assert.equal(parseTyped(" 2026-11-24 10:00 ", "utc", true), TEN);
  assert.equal(parseTyped("2026-11-24T10:00:01", "utc", true), TEN + 1000);
  for (const text of ["", "24.11.2026", "2026-11-24 25:00", "2026-13-01", "2026-02-30"]) {
    assert.equal(parseTyped(text, "utc", false), undefined, text);
  }
});
