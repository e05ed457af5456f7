/** The verdict in the header, and the ledger that it comes from. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { type Ledger, parseLedger } from "../src/server/ledger.ts";
import { LedgerPoller } from "../src/server/ledger-poller.ts";
import { verdictOf } from "../src/status/verdict.ts";
import { FakeEnvironment, flushPromises, TEN } from "./helpers.ts";

function ledger(status: string, missing: number, rest: object = {}): Ledger {
  const tubes = { live: { missing }, archive: { missing: 0 } };
  const parsed = parseLedger({ status, accepted: 1000, tubes, ...rest });
  if (!parsed) {
    throw new Error("the example is not a ledger");
  }
  return parsed;
}

function text(found: Ledger | undefined, ageSeconds: number | undefined, error = ""): string {
  const checkedMs = ageSeconds === undefined ? undefined : TEN - 1000 * ageSeconds;
  return verdictOf({ ledger: found, checkedMs, error }, TEN, "en").text;
}

it("the verdict says how many trades are lost, and when that was checked", () => {
  assert.equal(text(ledger("balanced", 0), 3), "0 lost · checked 3 s ago");
  assert.equal(text(ledger("loss", 1204), 3), "1,204 lost · checked 3 s ago");
  assert.equal(text(undefined, undefined), "Checking…");
  assert.equal(text(undefined, undefined, "No answer."), "Not checked: no answer");
});

it("messages on their way are not lost", () => {
  assert.equal(text(ledger("settling", 831), 4), "0 lost · checked 4 s ago");
  assert.equal(text(ledger("settling", 831), undefined), "0 lost · not checked yet");
});

it("an old check is a warning", () => {
  assert.equal(text(ledger("balanced", 0), 130), "0 lost · not checked for 2 min");
  const old = { ledger: ledger("balanced", 0), checkedMs: TEN - 130_000, error: "No answer." };
  assert.ok(verdictOf(old, TEN).isBad);
});

it("losses have their time and ids, and settled ones when that was", () => {
  const id = "0197b3c2-5d0e-7a41-8c3f-2b6d9e1f4a70";
  const loss = { tube: "live", messages: 2, receivedAt: "2026-11-24T10:00:00Z", ids: [id, 7] };
  const settledLosses = [{ ...loss, settledAt: "2026-11-24T10:00:05.5Z" }];
  const parsed = ledger("loss", 2, { losses: [loss, "no loss"], settledLosses });
  const known = { tube: "live", messages: 2, receivedMs: TEN, ids: [id] };
  assert.deepEqual(parsed.losses, [{ ...known, settledMs: undefined }]);
  assert.deepEqual(parsed.settledLosses, [{ ...known, settledMs: TEN + 5500 }]);
  assert.deepEqual(ledger("loss", 2, {}).settledLosses, []);
});

it("after a restore from a backup some trades may be lost, until an operator settles that", () => {
  const span = { since: "2026-11-24T10:00:00Z", until: "2026-11-24T10:00:05.5Z" };
  const restored = ledger("loss", 0, { spans: [span, { ...span, settledAt: "2026-11-24T11:00:00Z" }, 7] });
  assert.deepEqual(restored.spans, [{ sinceMs: TEN, untilMs: TEN + 5500 }]);
  assert.equal(text(restored, 3), "Some may be lost · checked 3 s ago");
  assert.ok(verdictOf({ ledger: restored, checkedMs: TEN, error: "" }, TEN).isBad);
  assert.equal(text(ledger("loss", 2, { spans: [span] }), 3), "2 lost · checked 3 s ago");
  assert.equal(
    text(ledger("balanced", 0, { spans: [{ ...span, settledAt: span.until }] }), 3),
    "0 lost · checked 3 s ago",
  );
});

it("the time of the last check is the answer's, or that of the last question with a balanced answer", async () => {
  const env = new FakeEnvironment();
  const answers: object[] = [
    { status: "balanced" },
    { status: "settling" },
    { status: "settling", archivedUpTo: "2026-11-24T10:00:09Z" },
  ];
  const poller = new LedgerPoller({
    timing: env.environment,
    fetch: () => Promise.resolve(Response.json({ accepted: 1, tubes: {}, ...answers.shift() })),
    serverNow: () => env.nowMs,
    changed: () => undefined,
  });
  const checked: (number | undefined)[] = [];
  poller.setVisible(true);
  for (let polls = 0; polls < 3; polls += 1) {
    await flushPromises();
    checked.push(poller.latest.checkedMs);
    env.advance(5000);
  }
  assert.deepEqual(checked, [TEN, TEN, TEN + 9000]);
});

it("a hidden page does not ask for the ledger", async () => {
  const env = new FakeEnvironment();
  let requests = 0;
  const poller = new LedgerPoller({
    timing: env.environment,
    fetch: () => {
      requests += 1;
      return Promise.reject(new TypeError("unreachable"));
    },
    serverNow: () => env.nowMs,
    changed: () => undefined,
  });
  poller.setVisible(true);
  await flushPromises();
  assert.match(poller.latest.error, /does not answer/u);
  poller.setVisible(false);
  env.advance(60_000);
  await flushPromises();
  assert.equal(requests, 1);
});
