/** The first look: the last trades from before, listed but not counted, and complete up to where the feed begins. */

import assert from "node:assert/strict";
import { test as it, mock } from "node:test";
import { NO_FILTERS } from "../src/filters/filters.ts";
import { History } from "../src/stream/history.ts";
import { State } from "../src/stream/state.ts";
import { FakeArchive } from "./fake-archive.ts";
import { ids, rawUpdate, rawUpdates, settled, TEN, update, World } from "./helpers.ts";

function started(prepare: (archive: FakeArchive) => void) {
  mock.method(console, "warn", () => undefined);
  const world = new World();
  const state = new State();
  const archive = new FakeArchive();
  prepare(archive);
  const history = new History(world.surroundings, archive.ask, NO_FILTERS, (messages) =>
    state.recall(messages),
  );
  history.start();
  return { world, state, archive, history };
}

it("the last 200 are listed, not counted, and no measure of latency", async () => {
  const { state } = started((archive) => archive.put(...rawUpdates(0, 500)));
  await settled();
  state.painted(TEN + 1000);
  assert.equal(state.trades.length, 200);
  assert.equal(state.trades[0]?.id, update(499).id);
  assert.equal(state.count, 0);
  assert.equal(state.latency.read(), undefined);
});

it("it does not wait for the feed, and is done once it knows all from before the feed began", async () => {
  const { world, state, archive, history } = started((held) => held.put(rawUpdate(1)));
  await settled();
  assert.equal(state.trades.length, 1);
  history.endsAt(TEN + 50);
  await settled();
  world.pass(600_000);
  await settled();
  assert.deepEqual(archive.asked, [
    { filters: NO_FILTERS, untilMs: undefined, limit: 200 },
    { filters: NO_FILTERS, untilMs: TEN + 50, limit: 200 },
  ]);
});

it("when the feed begins first, one answer is enough", async () => {
  const { world, archive, history } = started(() => undefined);
  history.endsAt(TEN + 50);
  await settled();
  world.pass(600_000);
  assert.equal(archive.asked.length, 1);
});

it("it asks again while the archive is behind", async () => {
  const { world, state, archive, history } = started((held) => {
    held.upToMs = TEN;
  });
  history.endsAt(TEN + 50);
  await settled();
  archive.put(rawUpdate(1));
  archive.upToMs = TEN + 50;
  world.pass(125);
  await settled();
  assert.deepEqual(ids(state.trades), ids([update(1)]));
  world.pass(600_000);
  assert.equal(archive.asked.length, 2);
});

it("it asks again when the archive is away", async () => {
  const { world, state, archive, history } = started((held) => {
    held.put(rawUpdate(1));
    held.isAway = true;
  });
  history.endsAt(TEN + 50);
  await settled();
  assert.equal(state.recalled, false);
  archive.isAway = false;
  world.pass(125);
  await settled();
  assert.equal(state.recalled, true);
  assert.equal(state.trades.length, 1);
});

it("a trade that is recalled first and comes live later is counted then, and listed once", async () => {
  const { state } = started((archive) => archive.put(rawUpdate(1)));
  await settled();
  state.add([rawUpdate(1)]);
  assert.equal(state.count, 1);
  assert.equal(state.trades.length, 1);
});

it("a trade that came live first is not recalled", async () => {
  const { state } = started((archive) => archive.put(rawUpdate(1)));
  state.add([rawUpdate(1)]);
  await settled();
  assert.equal(state.count, 1);
  assert.equal(state.trades.length, 1);
});

it("what nobody wants to know any more is neither asked for again nor taken", async () => {
  const { world, state, archive, history } = started((held) => held.put(rawUpdate(1)));
  history.stop();
  await settled();
  world.pass(600_000);
  await settled();
  assert.equal(archive.asked.length, 1);
  assert.equal(state.recalled, false);
});
