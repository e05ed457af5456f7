/** The gap: filled from the archive, each trade once, however far behind or broken the archive is. */

import assert from "node:assert/strict";
import { test as it, mock } from "node:test";
import type { Miss } from "../src/stream/feed.ts";
import { Fill } from "../src/stream/gap-fill.ts";
import { State } from "../src/stream/state.ts";
import { FakeArchive } from "./fake-archive.ts";
import { ids, rawUpdate, rawUpdates, settled, TEN, update, World } from "./helpers.ts";

const SECOND = 1_000_000;

/** A page that listens since ten, got the trade of the first second, and misses what came in the next three. */
function opened() {
  mock.method(console, "warn", () => undefined);
  const world = new World();
  const state = new State();
  const archive = new FakeArchive();
  let changes = 0;
  const fill = new Fill(world.surroundings, archive.ask, state, () => {
    changes += 1;
  });
  state.connected({ phase: "live", sinceMs: TEN });
  state.add([rawUpdate(SECOND)]);
  archive.put(rawUpdate(SECOND));
  const miss: Miss = { since: TEN + 1000, until: TEN + 4000, why: "restarted" };
  world.nowMs = miss.until;
  return { world, state, archive, fill, miss, changes: () => changes };
}

it("what was missed is shown in its place and counted once", async () => {
  const { state, archive, fill, miss } = opened();
  archive.put(rawUpdate(2 * SECOND), rawUpdate(3 * SECOND));
  fill.cover(miss);
  state.add([rawUpdate(4 * SECOND), rawUpdate(3 * SECOND)]);
  await settled();
  assert.equal(state.count, 4);
  assert.deepEqual(ids(state.trades), ids([4, 3, 2, 1].map((second) => update(second * SECOND))));
  assert.equal(state.filling, undefined);
  assert.deepEqual(state.misses, []);
});

it("what was found counts neither as live nor for latency", async () => {
  const { state, archive, fill, miss } = opened();
  archive.put(rawUpdate(2 * SECOND));
  fill.cover(miss);
  await settled();
  state.painted(TEN + 9000);
  assert.equal(state.liveCount, 1);
  assert.deepEqual(state.latency.read()?.medianMs, 8000, "that of the first trade, which came live");
});

it("trades from before the page was opened are not asked for", async () => {
  const { archive, fill, miss } = opened();
  fill.cover(miss);
  await settled();
  assert.deepEqual(archive.asked, [
    { sinceMs: TEN, untilMs: miss.until + 1000, limit: 1000, cursor: undefined },
  ]);
});

it("it asks from the newest trade that came, and a little before, as processors overtake each other", async () => {
  const { state, archive, fill, miss } = opened();
  state.add([rawUpdate(60 * SECOND)]);
  fill.cover({ ...miss, since: TEN + 100_000, until: TEN + 101_000 });
  await settled();
  assert.equal(archive.asked[0]?.sinceMs, TEN + 55_000);
});

it("where a backlog was coming in, it asks from there, not from when it was last heard", async () => {
  const { world, archive } = opened();
  const state = new State();
  state.connected({ phase: "live", sinceMs: TEN + 60_000 });
  state.add([rawUpdate(SECOND)]);
  archive.put(rawUpdate(2 * SECOND));
  const fill = new Fill(world.surroundings, archive.ask, state, () => undefined);
  fill.cover({ since: TEN + 61_000, until: TEN + 62_000, why: "restarted" });
  await settled();
  assert.equal(state.count, 2);
});

it("a second gap asks for nothing that the first one brought", async () => {
  const { archive, fill, miss } = opened();
  fill.cover(miss);
  await settled();
  fill.cover({ ...miss, since: TEN + 20_000, until: TEN + 21_000 });
  await settled();
  assert.equal(archive.asked.at(-1)?.sinceMs, miss.until + 1000 - 5000);
});

it("many are read page by page", async () => {
  const { state, archive, fill, miss } = opened();
  archive.put(...rawUpdates(2 * SECOND, 2 * SECOND + 2500));
  fill.cover(miss);
  await settled();
  assert.equal(state.count, 2501);
  assert.equal(state.trades.length, 1000);
  assert.deepEqual(
    archive.asked.map(({ cursor }) => cursor),
    [undefined, "1000", "2000"],
  );
});

it("while it goes on, the state says how many were found so far", async () => {
  const { state, archive, fill, miss, changes } = opened();
  archive.put(...rawUpdates(2 * SECOND, 2 * SECOND + 1500));
  const found: (number | undefined)[] = [];
  archive.meanwhile = () => found.push(state.filling?.found);
  fill.cover(miss);
  await settled();
  assert.deepEqual(found, [0, 1000]);
  assert.equal(changes(), 3);
});

it("it asks again until the archive has passed the moment at which the feed went on", async () => {
  const { world, state, archive, fill, miss } = opened();
  archive.upToMs = TEN + 2500;
  archive.put(rawUpdate(2 * SECOND));
  fill.cover(miss);
  await settled();
  assert.equal(state.count, 2);
  assert.notEqual(state.filling, undefined);
  archive.put(rawUpdate(3 * SECOND));
  archive.upToMs = miss.until + 1000;
  world.pass(125);
  await settled();
  assert.equal(state.count, 3);
  assert.equal(state.filling, undefined);
  assert.equal(
    archive.asked.at(-1)?.sinceMs,
    TEN + 2500,
    "what is known to be complete is not asked for again",
  );
});

it("what is archived while pages are read is asked for once more", async () => {
  const { world, state, archive, fill, miss } = opened();
  archive.put(...rawUpdates(2 * SECOND, 2 * SECOND + 1500));
  archive.upToMs = TEN + 2000;
  archive.meanwhile = () => {
    if (archive.asked.length === 2) {
      archive.put(rawUpdate(3 * SECOND));
      archive.upToMs = Number.POSITIVE_INFINITY;
    }
  };
  fill.cover(miss);
  await settled();
  world.pass(125);
  await settled();
  assert.equal(state.count, 1502);
  assert.equal(state.filling, undefined);
});

it("a gap during a fill extends it", async () => {
  const { state, archive, fill, miss } = opened();
  archive.put(...rawUpdates(2 * SECOND, 2 * SECOND + 1500));
  archive.meanwhile = () => {
    if (archive.asked.length === 1) {
      archive.put(rawUpdate(8 * SECOND));
      fill.cover({ since: TEN + 7000, until: TEN + 9000, why: "restarted" });
    }
  };
  fill.cover(miss);
  await settled();
  assert.equal(state.count, 1502);
  assert.equal(state.filling, undefined);
  assert.equal(archive.asked[1]?.untilMs, TEN + 10_000);
  assert.equal(archive.asked[1]?.sinceMs, TEN);
});

it("an archive that is away is asked again, ever more slowly, and what may be missing is said after two minutes", async () => {
  const { world, state, archive, fill, miss } = opened();
  archive.isAway = true;
  fill.cover(miss);
  await passed(world, 110_000);
  assert.equal(state.late, undefined);
  const soon = archive.asked.length;
  await passed(world, 20_000);
  assert.equal(state.late, miss);
  const late = archive.asked.length;
  assert(soon > 10 && soon < 40, `${soon} requests`);
  await passed(world, 600_000);
  assert(archive.asked.length - late <= 15, `${archive.asked.length - late} more requests`);
});

it("once the archive is back, the gap is filled and no longer spoken of", async () => {
  const { world, state, archive, fill, miss } = opened();
  archive.put(rawUpdate(2 * SECOND));
  archive.isAway = true;
  fill.cover(miss);
  await passed(world, 180_000);
  assert.equal(state.late, miss);
  archive.isAway = false;
  fill.retryNow();
  await settled();
  assert.equal(state.count, 2);
  assert.equal(state.late, undefined);
  assert.deepEqual(state.misses, []);
});

it("a reader who took note is not told of the same gap again", async () => {
  const { world, state, archive, fill, miss } = opened();
  archive.isAway = true;
  fill.cover(miss);
  await passed(world, 180_000);
  state.dismissMisses();
  await passed(world, 180_000);
  assert.equal(state.late, undefined);
  const longer = { ...miss, until: miss.until + 400_000 };
  fill.cover(longer);
  await settled();
  assert.deepEqual(state.late, { ...longer, why: "several" });
});

it("of more than can be counted, the newest are shown, and that some are missing is said for good", async () => {
  const { state, archive, fill, miss } = opened();
  for (let from = 2 * SECOND; from < 2 * SECOND + 160_000; from += 20_000) {
    archive.put(...rawUpdates(from, from + 20_000));
  }
  fill.cover(miss);
  await settled();
  assert.deepEqual(state.misses, [miss]);
  assert.equal(state.filling, undefined);
  assert.equal(state.trades[0]?.id, update(2 * SECOND + 159_999).id);
  assert.equal(archive.asked.length, 151);
});

it("a gap is given up when so many came live that the page forgets which of them it had", async () => {
  const { world, state, archive, fill, miss } = opened();
  archive.isAway = true;
  fill.cover(miss);
  await settled();
  state.add(rawUpdates(5 * SECOND, 5 * SECOND + 150_001));
  await passed(world, 60_000);
  assert.deepEqual(state.misses, [miss]);
  assert.equal(state.filling, undefined);
});

it("an archive whose pages never end is not asked for ever", async () => {
  const { world, state, miss } = opened();
  let asked = 0;
  const endless = new Fill(
    world.surroundings,
    () => {
      asked += 1;
      return Promise.resolve({ messages: [], next: "more", archivedUpToMs: 0 });
    },
    state,
    () => undefined,
  );
  endless.cover(miss);
  await settled();
  assert.equal(asked, 300);
  assert.deepEqual(state.misses, [miss]);
});

/** Lets time pass in small steps, so that answers come in between. */
async function passed(world: World, ms: number): Promise<void> {
  for (let step = 0; step < ms; step += 1000) {
    world.pass(1000);
    await settled();
  }
}
