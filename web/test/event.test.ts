/** The door: what is an update, and what is not. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { newestFirst, parseMicros, parseUpdate } from "../src/trade/event.ts";
import { rawUpdate, TEN, update, uuid } from "./helpers.ts";

it("an update is taken as it is, amounts as text", () => {
  const raw = rawUpdate(123_456, { amountSell: "123456789012345678.100000000001", flags: ["rate-mismatch"] });
  assert.deepEqual(parseUpdate(raw), { ...raw, receivedMicros: TEN * 1000 + 123_456 });
});

it("flags may be absent", () => {
  assert.deepEqual(parseUpdate(rawUpdate(1, { flags: undefined }))?.flags, []);
});

it("a missing field, or one that is not text, makes it malformed", () => {
  for (const name of Object.keys(rawUpdate(1)).filter((field) => field !== "flags")) {
    assert.equal(parseUpdate(rawUpdate(1, { [name]: undefined })), undefined, name);
    assert.equal(parseUpdate(rawUpdate(1, { [name]: 7 })), undefined, name);
    assert.equal(parseUpdate(rawUpdate(1, { [name]: null })), undefined, name);
  }
});

it("an id that is no UUID makes it malformed", () => {
  for (const id of ["", "7", uuid(1).toUpperCase(), `${uuid(1)}0`, ` ${uuid(1)}`]) {
    assert.equal(parseUpdate(rawUpdate(1, { id })), undefined, id);
  }
});

it("fields that the page doesn't know are left out", () => {
  assert.deepEqual(parseUpdate(rawUpdate(1, { venue: "XLON" })), update(1));
});

it("flags that are not a list of texts make it malformed", () => {
  for (const flags of ["rate-mismatch", [1], {}, null]) {
    assert.equal(parseUpdate(rawUpdate(1, { flags })), undefined);
  }
});

it("what is not an object is no update", () => {
  for (const raw of [undefined, null, 1, "x", [], true]) {
    assert.equal(parseUpdate(raw), undefined);
  }
});

it("moments are read to the microsecond, with any fraction", () => {
  assert.equal(parseMicros("2026-11-24T10:00:00Z"), TEN * 1000);
  assert.equal(parseMicros("2026-11-24T10:00:00.5Z"), TEN * 1000 + 500_000);
  assert.equal(parseMicros("2026-11-24T10:00:00.000001Z"), TEN * 1000 + 1);
  assert.equal(parseMicros("2026-11-24T10:00:00.123456789Z"), TEN * 1000 + 123_456);
});

it("what is not a UTC moment is none", () => {
  for (const moment of ["", "yesterday", "2026-11-24", "2026-13-24T10:00:00Z", "2026-11-24T10:00:00+01:00"]) {
    assert.equal(parseMicros(moment), undefined, moment);
  }
});

it("the newest is first, then the id decides, and a trade is in its own place", () => {
  const [older, newer] = [update(1), update(2)];
  const twin = update(2, { id: uuid(3) });
  assert.ok(newestFirst(newer, older) < 0 && newestFirst(older, newer) > 0);
  assert.ok(newestFirst(twin, newer) < 0 && newestFirst(newer, twin) > 0);
  assert.equal(newestFirst(newer, update(2)), 0);
});
