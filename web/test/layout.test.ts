/** The parts of the blotter that need no document: columns, keyboard and trace. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { nextRow, scrollToShow } from "../src/blotter/keyboard-focus.ts";
import {
  COLUMN_NAMES,
  DEFAULT_LAYOUT,
  gridTemplate,
  readLayout,
  resizeColumn,
  toggleColumn,
  visible,
  withoutColumns,
  writeLayout,
} from "../src/blotter/layout.ts";
import { delayLabel, entryLabel, fetchTrace } from "../src/blotter/trace.ts";
import { statusOf } from "../src/blotter/trade-history.ts";
import { UsedColumns } from "../src/blotter/used-columns.ts";
import { trade } from "./helpers.ts";

it("columns and widths survive writing and reading", () => {
  const chosen = resizeColumn(toggleColumn(DEFAULT_LAYOUT, "placed"), { user: 9 }, "sell", 20.04);
  assert.deepEqual(readLayout(writeLayout(chosen)), chosen);
});

it("an invalid layout becomes the default one", () => {
  const everything = JSON.stringify({ hidden: COLUMN_NAMES });
  const invalid = [undefined, "", "{", "null", "7", "{}", everything, '{"hidden":7,"widths":[],"sort":"up"}'];
  for (const text of invalid) {
    assert.deepEqual(readLayout(text), DEFAULT_LAYOUT, text);
  }
  const partly = readLayout(
    '{"hidden":["user","colour"],"widths":{"sell":9999,"rate":11,"buy":14},"sort":{"by":"user"}}',
  );
  assert.deepEqual(partly, { ...DEFAULT_LAYOUT, hidden: ["user"], widths: { buy: 14 } });
});

it("the last visible column can't be hidden", () => {
  const last = COLUMN_NAMES.reduce(toggleColumn, DEFAULT_LAYOUT);
  assert.equal(visible(last).length, 1);
});

it("a column that may be empty does not count as the last visible one", () => {
  const { unused } = new UsedColumns();
  const others = COLUMN_NAMES.filter((name) => !unused.has(name));
  assert.deepEqual(visible(others.reduce(toggleColumn, DEFAULT_LAYOUT)), [...unused, "flags"]);
  assert.deepEqual(readLayout(JSON.stringify({ hidden: others })), DEFAULT_LAYOUT);
});

it("the column of an optional field is there from its first value on, unless the reader hides it", () => {
  const used = new UsedColumns();
  const columns = (layout = DEFAULT_LAYOUT) => visible(withoutColumns(layout, used.unused));
  assert.ok(!used.look([trade(1), undefined]));
  assert.ok(!columns().includes("field-producer"));
  assert.ok(used.look([undefined, trade(2, { producer: "alpha" })]));
  assert.ok(!used.look([trade(2, { producer: "alpha" })]), "it is seen once");
  assert.ok(!used.look([trade(1)]), "it stays");
  assert.deepEqual(columns(), COLUMN_NAMES);
  assert.ok(!columns(toggleColumn(DEFAULT_LAYOUT, "field-producer")).includes("field-producer"));
});

it("widths are limited, at least to the needs of numbers, and other columns keep theirs", () => {
  const { widths } = resizeColumn(DEFAULT_LAYOUT, { user: 9, sell: 15 }, "sell", -50);
  assert.deepEqual(widths, { user: 9, sell: 13 });
  assert.match(gridTemplate({ ...DEFAULT_LAYOUT, widths }), /^minmax\(17ch, 17fr\) 9ch /u);
  assert.equal(resizeColumn(DEFAULT_LAYOUT, widths, "user", -50).widths.user, 4);
});

it("keys move through the list, and stop at its ends", () => {
  assert.equal(nextRow("ArrowDown", undefined, 100, 10), 0);
  assert.equal(nextRow("ArrowDown", 99, 100, 10), 99);
  assert.equal(nextRow("ArrowUp", 0, 100, 10), 0);
  assert.equal(nextRow("PageDown", 5, 100, 10), 15);
  assert.equal(nextRow("PageUp", 5, 100, 10), 0);
  assert.equal(nextRow("End", 5, 100, 10), 99);
  assert.equal(nextRow("Home", 5, 100, 10), 0);
  assert.equal(nextRow("x", 5, 100, 10), undefined);
  assert.equal(nextRow("End", undefined, 0, 10), undefined);
});

it("the table scrolls only as far as a row needs", () => {
  assert.equal(scrollToShow(100, 20, 50, 200), 50);
  assert.equal(scrollToShow(40, 20, 50, 200), 40);
  assert.equal(scrollToShow(240, 20, 50, 200), 60);
});

const ACCEPTED = { kind: "accepted", at: "2026-11-24T10:00:00.000250Z" };
const ARCHIVED = { kind: "archived", at: "2026-11-24T10:00:00.004750Z" };
const SHOWN = { kind: "shown", tube: "live", at: "2026-11-24T10:00:02.000000Z", browsers: 3 };

function answering(answer: unknown, init: ResponseInit = {}) {
  return async () => new Response(JSON.stringify(answer), init);
}

it("a trace lists what happened to a message, and when", async () => {
  const trace = await fetchTrace(
    answering({ id: "x", message: { id: "x" }, trace: [ACCEPTED, ARCHIVED, SHOWN] }),
    "x",
  );
  assert.ok("entries" in trace);
  assert.deepEqual(trace.entries.map(entryLabel), ["Accepted", "Archived", "Shown to 3 browsers"]);
  assert.deepEqual(
    trace.entries.map((entry) => delayLabel(trace, entry)),
    ["", "+4.5 ms", "+2.0 s"],
  );
  assert.ok(trace.isDone);
});

it("an entry of another consumer names its tube", async () => {
  const delivered = { kind: "delivered", tube: "webhook", at: "2026-11-24T10:00:02.000000Z" };
  const trace = await fetchTrace(answering({ id: "x", message: null, trace: [ARCHIVED, delivered] }), "x");
  assert.ok("entries" in trace && trace.isDone);
  assert.deepEqual(trace.entries.map(entryLabel), ["Archived", "Delivered: webhook"]);
});

it("a message without a final entry may have more to come", async () => {
  const trace = await fetchTrace(answering({ id: "x", message: null, trace: [ACCEPTED, ARCHIVED] }), "x");
  assert.ok("entries" in trace && !trace.isDone);
});

it("a dead letter has its reason", () => {
  assert.equal(
    entryLabel({ kind: "dead-lettered", tube: "live", atMicros: 0, browsers: undefined, reason: "too old" }),
    "Dead letter of live: it could not be processed (too old)",
  );
});

it("a message that is not archived yet is queried again after Retry-After", async () => {
  const answer = await fetchTrace(
    answering({ errors: [] }, { status: 404, headers: { "Retry-After": "3" } }),
    "x",
  );
  assert.deepEqual(answer, { afterMs: 3000, isDeleted: false });
});

it("other refusals and invalid answers are errors", async () => {
  await assert.rejects(fetchTrace(answering({}, { status: 503 }), "x"), /answered 503/u);
  await assert.rejects(fetchTrace(answering({ trace: 7 }), "x"), /invalid/u);
});

it("a lost trade's history says where it was lost and since when, and is complete", async () => {
  const lost = { kind: "lost", tube: "archive", at: "2026-11-24T10:00:03.000000Z" };
  const trace = await fetchTrace(answering({ id: "x", message: null, trace: [ACCEPTED, lost] }), "x");
  assert.ok("entries" in trace && trace.isDone);
  assert.deepEqual(trace.entries.map(entryLabel), [
    "Accepted",
    "Named as lost in archive: accepted, and nowhere to be found",
  ]);
  assert.equal(statusOf(trace), "This trade is lost. The ledger has named it since 2026-11-24 10:00:03 UTC.");
});
