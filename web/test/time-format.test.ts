/** Times in UTC and in local time. */

import assert from "node:assert/strict";
import { env } from "node:process";
import { test as it } from "node:test";
import { clockTime, dateAndClock, formatRange } from "../src/ui/time-format.ts";
import { TEN } from "./helpers.ts";

const DAY_MS = 86_400_000;

env["TZ"] = "Asia/Kolkata";

it("a time has the digits of its zone", () => {
  assert.equal(clockTime(TEN + 123, "utc"), "10:00:00");
  assert.equal(clockTime(TEN + 123, "utc", true), "10:00:00.123");
  assert.equal(clockTime(TEN, "local"), "15:30:00");
  assert.equal(dateAndClock(TEN + DAY_MS / 2, "local"), "2026-11-25 03:30:00");
});

it("a range includes its end", () => {
  assert.equal(formatRange(TEN + 1999, TEN + 9001, "utc"), "10:00:01 and 10:00:10 UTC");
  assert.equal(formatRange(TEN, TEN + 1000, "local"), "15:30:00 and 15:30:01");
  assert.equal(formatRange(TEN, TEN + DAY_MS, "utc"), "2026-11-24 10:00:00 and 2026-11-25 10:00:00 UTC");
});
