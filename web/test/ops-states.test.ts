/** Operations: the last knowledge of the stack while it does not answer, and losses in words. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { HealthMemory } from "../src/ops/health-memory.ts";
import { lossText } from "../src/ops/loss-list.ts";
import type { Health } from "../src/server/health.ts";

it("the last known health stays while the server does not answer, with its time", () => {
  const ten = Date.UTC(2026, 10, 24, 10);
  const memory = new HealthMemory();
  const at = (status: Health["status"], seconds: number): ReturnType<HealthMemory["latest"]> =>
    memory.latest({
      health: { status, components: [], tubes: undefined, home: "var" },
      nowMs: ten + seconds * 1000,
      zone: "utc",
    });
  assert.equal(at("unknown", 0).state.kind, "loading");
  assert.equal(at("unreachable", 1).state.kind, "failed");
  assert.equal(at("unreachable", 1).known, undefined);
  const known = at("degraded", 2);
  assert.equal(known.state.kind, "ready");
  assert.equal(known.known?.status, "degraded");
  const still = at("unreachable", 9);
  assert.equal(still.known?.status, "degraded");
  assert.deepEqual(still.state, {
    kind: "still",
    text: "The server does not answer. Unchanged since 10:00:02 UTC",
  });
  assert.equal(at("ready", 10).known?.status, "ready");
});

it("the time of a known health is that of the answer, not of the last frame", () => {
  const ten = Date.UTC(2026, 10, 24, 10);
  const memory = new HealthMemory();
  const health: Health = { status: "ready", components: [], tubes: undefined, home: "var" };
  for (const seconds of [0, 1, 2]) {
    memory.latest({ health, nowMs: ten + seconds * 1000, zone: "utc" });
  }
  const silent: Health = { ...health, status: "unreachable" };
  const { state } = memory.latest({ health: silent, nowMs: ten + 3000, zone: "utc" });
  assert.match(state.text, /since 10:00:00 UTC$/u);
});

it("a loss says when it was accepted, and when it was settled", () => {
  const receivedMs = Date.UTC(2026, 10, 24, 10);
  const loss = { tube: "live", messages: 2, receivedMs, settledMs: undefined, ids: [] };
  assert.equal(lossText(loss, "utc"), "2 in live, accepted at 2026-11-24 10:00:00 UTC");
  assert.equal(
    lossText({ ...loss, receivedMs: undefined, settledMs: receivedMs + 5000 }, "utc"),
    "2 in live, settled by an operator at 2026-11-24 10:00:05 UTC",
  );
});
