/** What the map and its table say, and in which order. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { NO_FILTERS } from "../src/filters/filters.ts";
import { keepingOrder, listed, type Reasons, remark, Words } from "../src/map/labels.ts";
import type { CountryFigures, Figures } from "../src/server/stats.ts";

function country(code: string, count: number): CountryFigures {
  return { country: code, count, flagged: 0 };
}

function figures(...countries: readonly CountryFigures[]): Figures {
  const count = countries.reduce((sum, one) => sum + one.count, 0);
  const total = { count, flagged: 0 };
  return { sinceMs: 0, untilMs: 0, stepMs: 60_000, total, pairs: [], morePairs: 0, countries, series: [] };
}

function reasons(changes: Partial<Reasons["statistics"]>): Reasons {
  const statistics = { countries: figures(country("FR", 1)), trouble: "" };
  return { statistics: { ...statistics, ...changes }, filters: NO_FILTERS, window: "1h" };
}

it("a country's figures are told in words", () => {
  const words = new Words("en");
  assert.equal(words.all({ count: 1234, flagged: 5 }, 10_000), "1,234 trades · 12.3% · 5 flagged");
  assert.equal(words.all({ count: 1, flagged: 0 }, 1), "1 trade · 100.0% · 0 flagged");
  assert.equal(words.all({ count: 0, flagged: 0 }, 0), "0 trades · 0.0% · 0 flagged");
});

it("a share that is there is never said to be nothing", () => {
  const words = new Words("en");
  assert.equal(words.share(1, 1_000_000), "<0.1%");
  assert.equal(words.share(1, 2000), "0.1%");
});

it("nothing is said where the figures say it all", () => {
  assert.equal(remark(reasons({})), "");
});

it("the reader is told why there is nothing to see", () => {
  assert.equal(remark(reasons({ countries: undefined })), "Loading…");
  assert.equal(remark(reasons({ countries: figures() })), "No trades in the last hour.");
  const pair = { ...NO_FILTERS, from: "EUR", to: "GBP" };
  const nothing = { ...reasons({ countries: figures() }), filters: pair, window: "15m" as const };
  assert.equal(remark(nothing), "No trades of EUR→GBP in the last 15 minutes.");
});

it("what is wrong is said elsewhere, once for all panels: old figures stand, and where there are none that is said", () => {
  assert.equal(remark(reasons({ trouble: "No luck." })), "");
  assert.equal(remark(reasons({ countries: undefined, trouble: "No luck." })), "No figures.");
});

it("the country that is filtered by is listed, if only with none", () => {
  const some = figures(country("US", 3), country("FR", 1));
  assert.deepEqual(listed(some, ""), some.countries);
  assert.deepEqual(listed(some, "FR"), some.countries);
  assert.deepEqual(listed(some, "XK"), [...some.countries, country("XK", 0)]);
  assert.deepEqual(listed(undefined, "XK"), []);
});

it("lines that must not move keep their order, and new ones come last", () => {
  const ranked = [country("JP", 9), country("US", 8), country("FR", 7), country("CH", 6)];
  const kept = keepingOrder(ranked, ["FR", "US", "JP"]).map((one) => one.country);
  assert.deepEqual(kept, ["FR", "US", "JP", "CH"]);
});
