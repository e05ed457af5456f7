/** Columns, keys, traces: what of the blotter needs no document. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { placeAfter, scrollFor } from "../src/blotter/keyboard-focus.ts";
import {
  COLUMN_NAMES,
  isByTime,
  readLayout,
  resizeColumn,
  sortBy,
  sortNext,
  template,
  toggleColumn,
  USUAL,
  visible,
  writeLayout,
} from "../src/blotter/layout.ts";
import { askTrace, delayWords, eventWords } from "../src/blotter/trace.ts";

it("what was chosen is read as it was written", () => {
  const chosen = sortNext(resizeColumn(toggleColumn(USUAL, "placed"), { user: 9 }, "sell", 20.04), "rate");
  assert.deepEqual(readLayout(writeLayout(chosen)), chosen);
});

it("what makes no sense is the usual", () => {
  const everything = JSON.stringify({ hidden: COLUMN_NAMES });
  const nonsense = [
    undefined,
    "",
    "{",
    "null",
    "7",
    "{}",
    everything,
    '{"hidden":7,"widths":[],"sort":"up"}',
  ];
  for (const text of nonsense) {
    assert.deepEqual(readLayout(text), USUAL, text);
  }
  const partly = readLayout(
    '{"hidden":["user","colour"],"widths":{"sell":9999,"rate":11,"buy":14},"sort":{"by":"user"}}',
  );
  assert.deepEqual(partly, { ...USUAL, hidden: ["user"], widths: { buy: 14 } });
});

it("the last column in sight stays", () => {
  const last = COLUMN_NAMES.reduce(toggleColumn, USUAL);
  assert.equal(visible(last).length, 1);
});

it("a column that goes takes its order with it", () => {
  assert.ok(isByTime(toggleColumn(sortNext(USUAL, "sell"), "sell")));
});

it("a click sorts the greatest first, the next the least first, the third as trades come", () => {
  const greatest = sortNext(USUAL, "sell");
  const least = sortNext(greatest, "sell");
  assert.deepEqual([greatest.sort.direction, least.sort.direction], ["descending", "ascending"]);
  assert.ok(isByTime(sortNext(least, "sell")));
});

it("only by a column in sight can be sorted", () => {
  const byRate = sortBy(USUAL, { by: "rate", direction: "ascending" });
  assert.deepEqual(byRate.sort, { by: "rate", direction: "ascending" });
  const without = toggleColumn(USUAL, "rate");
  assert.equal(sortBy(without, { by: "rate", direction: "ascending" }), without);
});

it("widths are bounded, where there are numbers by what these need, and others keep theirs", () => {
  const { widths } = resizeColumn(USUAL, { user: 9, sell: 15 }, "sell", -50);
  assert.deepEqual(widths, { user: 9, sell: 13 });
  assert.match(template({ ...USUAL, widths }), /^minmax\(14ch, 14fr\) 9ch /u);
  assert.equal(resizeColumn(USUAL, widths, "user", -50).widths.user, 4);
});

it("keys lead through the list, and not beyond its ends", () => {
  assert.equal(placeAfter("ArrowDown", undefined, 100, 10), 0);
  assert.equal(placeAfter("ArrowDown", 99, 100, 10), 99);
  assert.equal(placeAfter("ArrowUp", 0, 100, 10), 0);
  assert.equal(placeAfter("PageDown", 5, 100, 10), 15);
  assert.equal(placeAfter("PageUp", 5, 100, 10), 0);
  assert.equal(placeAfter("End", 5, 100, 10), 99);
  assert.equal(placeAfter("Home", 5, 100, 10), 0);
  assert.equal(placeAfter("x", 5, 100, 10), undefined);
  assert.equal(placeAfter("End", undefined, 0, 10), undefined);
});

it("the table scrolls no farther than a row needs", () => {
  assert.equal(scrollFor(100, 20, 50, 200), 50);
  assert.equal(scrollFor(40, 20, 50, 200), 40);
  assert.equal(scrollFor(240, 20, 50, 200), 60);
});

const ACCEPTED = { event: "accepted", at: "2026-11-24T10:00:00.000250Z" };
const ARCHIVED = { event: "archived", at: "2026-11-24T10:00:00.004750Z" };
const SHOWN = { event: "shown", tube: "live", at: "2026-11-24T10:00:02.000000Z", browsers: 3 };

function answering(answer: unknown, init: ResponseInit = {}) {
  return async () => new Response(JSON.stringify(answer), init);
}

it("a trace tells what became of a message, and how long that took", async () => {
  const trace = await askTrace(
    answering({ id: "x", message: { id: "x" }, trace: [ACCEPTED, ARCHIVED, SHOWN] }),
    "x",
  );
  assert.ok("events" in trace);
  assert.deepEqual(trace.events.map(eventWords), ["Accepted", "Archived", "Shown to 3 browsers"]);
  assert.deepEqual(
    trace.events.map((event) => delayWords(trace, event)),
    ["", "+4.5 ms", "+2.0 s"],
  );
  assert.ok(trace.isDone);
});

it("a message that was neither shown nor given up may have more to tell", async () => {
  const trace = await askTrace(answering({ id: "x", message: null, trace: [ACCEPTED, ARCHIVED] }), "x");
  assert.ok("events" in trace && !trace.isDone);
});

it("what was buried says why", () => {
  assert.equal(
    eventWords({ event: "buried", atMicros: 0, browsers: undefined, reason: "too old" }),
    "Buried: it could not be handled (too old)",
  );
});

it("what is not archived yet is asked for when the archive says", async () => {
  const answer = await askTrace(
    answering({ errors: [] }, { status: 404, headers: { "Retry-After": "3" } }),
    "x",
  );
  assert.deepEqual(answer, { afterMs: 3000 });
});

it("any other refusal, and nonsense, is an error", async () => {
  await assert.rejects(askTrace(answering({}, { status: 503 }), "x"), /answered 503/u);
  await assert.rejects(askTrace(answering({ trace: 7 }), "x"), /no sense/u);
});
