/** The list that the table shows: each trade once, newest first, live above and archived below. */

import assert from "node:assert/strict";
import { test as it, mock } from "node:test";
import { Pages } from "../src/blotter/pages.ts";
import { Tape } from "../src/blotter/trade-list.ts";
import { NO_FILTERS } from "../src/filters/filters.ts";
import { HELD } from "../src/trade/merge.ts";
import { FakeArchive } from "./fake-archive.ts";
import { ids, rawUpdate, rawUpdates, settled, update, World } from "./helpers.ts";

const ALL = Number.POSITIVE_INFINITY;

function world() {
  mock.method(console, "warn", () => undefined);
  const around = new World();
  const archive = new FakeArchive();
  const source = { ask: archive.ask, timing: around.surroundings, changed: () => undefined };
  return { around, archive, source };
}

function updates(from: number, to: number) {
  return rawUpdates(from, to).map((_, index) => update(from + index));
}

/** Looks at the end of what is listed until there is no more to come. */
async function toTheEnd(list: Tape | Pages, around: World): Promise<void> {
  for (let looks = 0; looks < 200 && list.below !== "end"; looks += 1) {
    list.look(list.length, list.length + 10);
    await settled();
    around.pass(200);
  }
}

/** Looks at some places until what is there has come. */
async function lookAt(list: Tape | Pages, first: number, last: number): Promise<void> {
  for (let looks = 0; looks < 20; looks += 1) {
    list.look(first, last);
    await settled();
  }
}

function shown(list: Tape | Pages): (string | undefined)[] {
  return list.slice(0, ALL).map((each) => each?.id);
}

function newestFirst(from: number, to: number): string[] {
  return ids(updates(from, to)).reverse();
}

it("scrolling down goes on into the archive until the first message, each trade once", async () => {
  const { around, archive, source } = world();
  archive.put(...rawUpdates(0, 1500));
  const tape = new Tape(source, NO_FILTERS, []);
  tape.recall(updates(1300, 1500));
  tape.isRecalled = true;
  tape.add(updates(1500, 1510));
  tape.renew();
  await toTheEnd(tape, around);
  assert.deepEqual(shown(tape), newestFirst(0, 1510));
});

it("nothing is asked for before it is near", async () => {
  const { archive, source } = world();
  archive.put(...rawUpdates(0, 2000));
  const tape = new Tape(source, NO_FILTERS, updates(1000, 2000).reverse());
  tape.isRecalled = true;
  tape.renew();
  tape.look(0, 30);
  await settled();
  assert.equal(archive.asked.length, 0);
  await lookAt(tape, 700, 830);
  assert.equal(tape.length, 1200);
});

it("before the archive has told what was last, it is not asked for what was before", async () => {
  const { archive, source } = world();
  const tape = new Tape(source, NO_FILTERS, []);
  tape.look(0, 30);
  await settled();
  assert.equal(archive.asked.length, 0);
  assert.equal(tape.below, "loading");
});

it("what comes meanwhile is counted and not shown until it is wanted", () => {
  const tape = new Tape(world().source, NO_FILTERS, []);
  tape.add(updates(0, 3));
  tape.renew();
  tape.add(updates(3, 131));
  assert.equal(tape.unseen, 128);
  assert.deepEqual(shown(tape), newestFirst(0, 3));
  tape.renew();
  assert.equal(tape.unseen, 0);
  assert.deepEqual(shown(tape), newestFirst(0, 131));
});

it("only what the filters let through is listed and counted", () => {
  const tape = new Tape(world().source, { ...NO_FILTERS, country: "DE" }, updates(0, 3));
  tape.add([update(4), update(5, { originatingCountry: "DE" })]);
  tape.renew();
  assert.deepEqual(shown(tape), [update(5).id]);
  assert.equal(tape.matched, 1);
});

it("a trade that is recalled and comes live is listed once", () => {
  const tape = new Tape(world().source, NO_FILTERS, []);
  tape.recall(updates(0, 5));
  tape.add(updates(3, 7));
  tape.renew();
  assert.deepEqual(shown(tape), newestFirst(0, 7));
});

it("the newest are kept, however many come, and the archive goes on below them", async () => {
  const { around, archive, source } = world();
  archive.put(...rawUpdates(0, 5000));
  const tape = new Tape(source, NO_FILTERS, []);
  tape.isRecalled = true;
  tape.add(updates(0, 100));
  tape.renew();
  await toTheEnd(tape, around);
  tape.add(updates(100, 5000));
  tape.renew();
  assert.equal(tape.length, HELD);
  await lookAt(tape, HELD, HELD);
  assert.deepEqual(shown(tape).slice(0, HELD + 200), newestFirst(5000 - HELD - 200, 5000));
});

it("a trade that came too late for the archive's pages is found in them the next time", async () => {
  const { around, archive, source } = world();
  archive.put(rawUpdate(1), rawUpdate(3));
  const tape = new Tape(source, NO_FILTERS, updates(5, 6));
  tape.isRecalled = true;
  tape.renew();
  await toTheEnd(tape, around);
  archive.put(rawUpdate(2));
  tape.add([update(2)]);
  tape.renew();
  await toTheEnd(tape, around);
  assert.deepEqual(shown(tape), ids([5, 3, 2, 1].map((number) => update(number))));
});

it("trades of the same millisecond are neither left out nor listed twice", async () => {
  const { around, archive, source } = world();
  archive.put(...rawUpdates(0, 900));
  const pages = new Pages(source, NO_FILTERS, update(450));
  await toTheEnd(pages, around);
  assert.deepEqual(shown(pages), newestFirst(0, 450));
});

it("pages far away are forgotten, keep their place, and are fetched again", async () => {
  const { around, archive, source } = world();
  archive.put(...rawUpdates(0, 5000));
  const pages = new Pages(source, NO_FILTERS, undefined);
  await toTheEnd(pages, around);
  pages.look(4970, 5000);
  assert.equal(pages.length, 5000);
  assert.deepEqual(pages.slice(0, 1), [undefined]);
  assert.ok(pages.held.length <= 2400, "only what is near is held");
  pages.look(0, 30);
  await settled();
  assert.deepEqual(ids(pages.slice(0, 30).filter((each) => each !== undefined)), newestFirst(4970, 5000));
  assert.equal(pages.length, 5000);
});

it("where something was archived late, the pages below are fetched anew", async () => {
  const { around, archive, source } = world();
  archive.put(...rawUpdates(0, 2000), ...rawUpdates(2001, 5001));
  const pages = new Pages(source, NO_FILTERS, undefined);
  await toTheEnd(pages, around);
  archive.put(rawUpdate(2000));
  pages.look(4970, 5000);
  pages.look(2950, 2980);
  await settled();
  await toTheEnd(pages, around);
  for (let place = 0; place < 5001; place += 100) {
    pages.look(place, place + 30);
    await settled();
    const got = pages.slice(place, place + 30).filter((each) => each !== undefined);
    assert.deepEqual(ids(got), newestFirst(5001 - place - got.length, 5001 - place));
  }
});

it("an archive that is away is asked again after a while, or at once when told to", async () => {
  const { around, archive, source } = world();
  archive.put(...rawUpdates(0, 3));
  archive.isAway = true;
  const pages = new Pages(source, NO_FILTERS, undefined);
  pages.look(0, 30);
  await settled();
  assert.equal(pages.below, "failed");
  pages.look(0, 30);
  await settled();
  assert.equal(archive.asked.length, 1);
  pages.retry();
  pages.look(0, 30);
  await settled();
  assert.equal(archive.asked.length, 2);
  archive.isAway = false;
  around.pass(5000);
  pages.look(0, 30);
  await settled();
  assert.deepEqual(shown(pages), newestFirst(0, 3));
  assert.equal(pages.below, "end");
});
