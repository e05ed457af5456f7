/** The states of a panel of figures. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { NO_FILTERS } from "../src/filters/filters.ts";
import { type FiguresContext, figuresState, stillSince } from "../src/server/figures-state.ts";
import type { Stats } from "../src/server/stats.ts";
import { TEN } from "./helpers.ts";

function stats(count: number): Stats {
  return {
    sinceMs: 0,
    untilMs: 0,
    stepMs: 60_000,
    basis: undefined,
    total: { count, flagged: 0 },
    pairs: [],
    morePairs: 0,
    countries: [],
    series: [],
  };
}

function context(changes: Partial<FiguresContext> = {}): FiguresContext {
  return {
    stats: { error: "" },
    filters: NO_FILTERS,
    rangeLabel: "in the last hour",
    stillSince: "",
    ...changes,
  };
}

it("figures with trades need no words", () => {
  assert.deepEqual(figuresState(stats(1), context()), { kind: "ready", text: "", limit: undefined });
});

it("figures without an answer are loading, or have failed", () => {
  assert.equal(figuresState(undefined, context()).kind, "loading");
  const failed = figuresState(undefined, context({ stats: { error: "Failed." } }));
  assert.deepEqual([failed.kind, failed.text], ["failed", "No statistics. The page keeps trying."]);
});

it("an empty range says so, and names the limit that hides the trades", () => {
  const empty = figuresState(stats(0), context());
  assert.deepEqual(empty, { kind: "empty", text: "No trades in the last hour.", limit: "range" });
  const filters = { ...NO_FILTERS, from: "EUR" };
  assert.equal(figuresState(stats(0), context({ rangeLabel: "", filters })).limit, "filters");
  assert.equal(figuresState(stats(0), context({ rangeLabel: "" })).limit, undefined);
});

it("earlier figures stay during an outage, and say since when they stand still", () => {
  const still = figuresState(stats(1), context({ stats: { error: "Failed." }, stillSince: "10:00:00 UTC" }));
  assert.deepEqual([still.kind, still.text], ["still", "Unchanged since 10:00:00 UTC"]);
  assert.equal(figuresState(stats(1), context({ stats: { error: "Failed." } })).kind, "ready");
});

it("figures stand still since the last answer or the last live trade, whichever was later", () => {
  const failing = { error: "Failed.", answeredMs: TEN };
  assert.equal(stillSince(failing, TEN + 5000), TEN + 5000);
  assert.equal(stillSince(failing, TEN - 5000), TEN);
  assert.equal(stillSince(failing, undefined), undefined);
  assert.equal(stillSince({ ...failing, error: "" }, TEN), undefined);
  assert.equal(stillSince({ ...failing, answeredMs: undefined }, TEN), undefined);
});
