/** Validation of trade events. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { newestFirst, parseTradeEvent } from "../src/trade/event.ts";
import { FIELDS, type Field, type FieldName } from "../src/trade/fields.ts";
import { parseMicros } from "../src/trade/json.ts";
import { rawEvent, TEN, trade, uuid } from "./helpers.ts";

it("a trade event is parsed unchanged, amounts as text", () => {
  const raw = rawEvent(123_456, { amountSell: "123456789012345678.100000000001", flags: ["rate-mismatch"] });
  const parsed: unknown = JSON.parse(JSON.stringify(parseTradeEvent(raw)));
  assert.deepEqual(parsed, { ...raw, receivedMicros: TEN * 1000 + 123_456 });
});

it("flags are optional", () => {
  assert.deepEqual(parseTradeEvent(rawEvent(1, { flags: undefined }))?.flags, []);
});

it("an event with a missing or non-text field is malformed", () => {
  for (const name of Object.keys(rawEvent(1)).filter((field) => field !== "flags")) {
    assert.equal(parseTradeEvent(rawEvent(1, { [name]: undefined })), undefined, name);
    assert.equal(parseTradeEvent(rawEvent(1, { [name]: 7 })), undefined, name);
    assert.equal(parseTradeEvent(rawEvent(1, { [name]: null })), undefined, name);
  }
});

it("an event whose id is not a lower-case UUID is malformed", () => {
  for (const id of ["", "7", uuid(1).toUpperCase(), `${uuid(1)}0`, ` ${uuid(1)}`]) {
    assert.equal(parseTradeEvent(rawEvent(1, { id })), undefined, id);
  }
});

it("an event whose time of receipt is not a UTC timestamp is malformed", () => {
  for (const receivedAt of ["", "yesterday", "2026-11-24T10:00:00", "2026-13-24T10:00:00Z"]) {
    assert.equal(parseTradeEvent(rawEvent(1, { receivedAt })), undefined, receivedAt);
  }
});

it("an optional field may be absent, and is text otherwise", () => {
  const fields = FIELDS as Field[];
  const [first] = fields;
  assert(first);
  fields.push({ ...first, name: "venue" as FieldName, isOptional: true });
  try {
    assert.deepEqual(parseTradeEvent(rawEvent(1)), trade(1));
    assert.notEqual(parseTradeEvent(rawEvent(1, { venue: "XLON" })), undefined);
    assert.equal(parseTradeEvent(rawEvent(1, { venue: 7 })), undefined);
    assert.equal(parseTradeEvent(rawEvent(1, { venue: null })), undefined);
  } finally {
    fields.pop();
  }
});

it("unknown fields are dropped", () => {
  assert.deepEqual(parseTradeEvent(rawEvent(1, { venue: "XLON" })), trade(1));
});

it("an event whose flags are not a list of strings is malformed", () => {
  for (const flags of ["rate-mismatch", [1], {}, null]) {
    assert.equal(parseTradeEvent(rawEvent(1, { flags })), undefined);
  }
});

it("anything but an object is malformed", () => {
  for (const raw of [undefined, null, 1, "x", [], true]) {
    assert.equal(parseTradeEvent(raw), undefined);
  }
});

it("timestamps are read to the microsecond, with any number of decimals", () => {
  assert.equal(parseMicros("2026-11-24T10:00:00Z"), TEN * 1000);
  assert.equal(parseMicros("2026-11-24T10:00:00.5Z"), TEN * 1000 + 500_000);
  assert.equal(parseMicros("2026-11-24T10:00:00.000001Z"), TEN * 1000 + 1);
  assert.equal(parseMicros("2026-11-24T10:00:00.123456789Z"), TEN * 1000 + 123_456);
});

it("anything but a UTC timestamp is rejected", () => {
  const good = "2026-11-24T10:00:00";
  for (const moment of ["", "yesterday", "2026-11-24", "2026-13-24T10:00:00Z", `${good}+01:00`]) {
    assert.equal(parseMicros(moment), undefined, moment);
  }
  for (const moment of [`${good}Zx`, `${good} ${good}Z`]) {
    assert.equal(parseMicros(moment), undefined, moment);
  }
});

it("the newest trade is first, the id decides ties, and a trade equals itself", () => {
  const [older, newer] = [trade(1), trade(2)];
  const twin = trade(2, { id: uuid(3) });
  assert.ok(newestFirst(newer, older) < 0 && newestFirst(older, newer) > 0);
  assert.ok(newestFirst(twin, newer) < 0 && newestFirst(newer, twin) > 0);
  assert.equal(newestFirst(newer, trade(2)), 0);
});
