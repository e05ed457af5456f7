/** Texts and order of the map panel. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { keepOrder, Labels, listCountries } from "../src/map/labels.ts";
import type { CountryStats, Stats } from "../src/server/stats.ts";

function country(code: string, count: number): CountryStats {
  return { country: code, count, flagged: 0 };
}

function stats(...countries: readonly CountryStats[]): Stats {
  const count = countries.reduce((sum, each) => sum + each.count, 0);
  const total = { count, flagged: 0 };
  return {
    sinceMs: 0,
    untilMs: 0,
    stepMs: 60_000,
    basis: undefined,
    total,
    pairs: [],
    morePairs: 0,
    countries,
    series: [],
  };
}

it("a country's stats are described", () => {
  const labels = new Labels("en");
  assert.equal(labels.describe({ count: 1234, flagged: 5 }, 10_000), "1,234 trades · 12.3% · 5 flagged");
  assert.equal(labels.describe({ count: 1, flagged: 0 }, 1), "1 trade · 100.0% · 0 flagged");
  assert.equal(labels.describe({ count: 0, flagged: 0 }, 0), "0 trades · 0.0% · 0 flagged");
});

it("a share above zero is never shown as zero", () => {
  const labels = new Labels("en");
  assert.equal(labels.share(1, 1_000_000), "<0.1%");
  assert.equal(labels.share(1, 2000), "0.1%");
});

it("the filtered country is listed even without trades", () => {
  const some = stats(country("US", 3), country("FR", 1));
  assert.deepEqual(listCountries(some, ""), some.countries);
  assert.deepEqual(listCountries(some, "FR"), some.countries);
  assert.deepEqual(listCountries(some, "XK"), [...some.countries, country("XK", 0)]);
  assert.deepEqual(listCountries(undefined, "XK"), []);
});

it("held rows keep their order, and new ones come last", () => {
  const ranked = [country("JP", 9), country("US", 8), country("FR", 7), country("CH", 6)];
  const kept = keepOrder(ranked, ["FR", "US", "JP"]).map((each) => each.country);
  assert.deepEqual(kept, ["FR", "US", "JP", "CH"]);
});
