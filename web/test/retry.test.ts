/** Delays between attempts: random below a bound that doubles, and slow after two minutes. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import type { Timer } from "../src/server/timing.ts";
import { Backoff } from "../src/stream/backoff.ts";
import { Retry } from "../src/stream/retry.ts";
import { FakeEnvironment, flushPromises } from "./helpers.ts";

it("the bound of the delay starts at 250 ms and doubles up to 10 s", () => {
  const backoff = new Backoff(() => 1);
  const delays = Array.from({ length: 8 }, () => backoff.next());
  assert.deepEqual(delays, [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  backoff.reset();
  assert.equal(backoff.next(), 250);
});

it("a delay is a random share of the bound", () => {
  const backoff = new Backoff(() => 0.25);
  assert.deepEqual([backoff.next(), backoff.next()], [62.5, 125]);
});

/** Starts a wait. Returns whether it has ended. */
function wait(retry: Retry): () => boolean {
  let ended = false;
  retry.wait().then(() => {
    ended = true;
  });
  return () => ended;
}

it("a wait ends after its delay", async () => {
  const env = new FakeEnvironment();
  const ended = wait(new Retry(env.environment));
  env.advance(124);
  await flushPromises();
  assert.equal(ended(), false);
  env.advance(1);
  await flushPromises();
  assert.equal(ended(), true);
});

it("a wait that is woken ends at once, and its timer is cleared", async () => {
  const env = new FakeEnvironment();
  let cleared = 0;
  const { clearTimer } = env.environment;
  const timing = {
    ...env.environment,
    clearTimer: (timer: Timer | undefined) => {
      cleared += 1;
      clearTimer(timer);
    },
  };
  const retry = new Retry(timing);
  retry.wake();
  const ended = wait(retry);
  await flushPromises();
  assert.equal(ended(), false);
  retry.wake();
  await flushPromises();
  assert.equal(ended(), true);
  assert.equal(cleared, 1);
});

it("after two minutes an attempt is made every 30 to 60 s", async () => {
  const env = new FakeEnvironment();
  const retry = new Retry(env.environment);
  env.advance(119_999);
  assert.equal(retry.isSlow, false);
  env.advance(1);
  assert.equal(retry.isSlow, true);
  for (const [random, delayMs] of [
    [0, 30_000],
    [1, 60_000],
  ] as const) {
    env.randomValue = random;
    const ended = wait(retry);
    env.advance(delayMs - 1);
    await flushPromises();
    assert.equal(ended(), false);
    env.advance(1);
    await flushPromises();
    assert.equal(ended(), true);
  }
});
