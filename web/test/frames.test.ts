/** Frames of the live server are validated before anything reads them. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { parseFrame } from "../src/stream/frames.ts";
import { TEN } from "./helpers.ts";

function parse(frame: unknown) {
  return parseFrame(JSON.stringify(frame));
}

it("a hello carries epoch, offset, whether it resumed, the server's time and version", () => {
  const hello = { epoch: "e", offset: 7, resumed: true, now: "2026-11-24T10:00:00.5Z", version: "0.2.0" };
  assert.deepEqual(parse({ hello }), {
    kind: "hello",
    epoch: "e",
    offset: 7,
    resumed: true,
    serverNow: TEN + 500,
    version: "0.2.0",
  });
  assert.deepEqual(parse({ hello: { epoch: "e", offset: 7, resumed: 1, now: 5, version: 2 } }), {
    kind: "hello",
    epoch: "e",
    offset: 7,
    resumed: false,
    serverNow: undefined,
    version: undefined,
  });
});

it("a hello without epoch or offset is malformed", () => {
  assert.equal(parse({ hello: { offset: 7 } }), undefined);
  assert.equal(parse({ hello: { epoch: "e" } }), undefined);
  assert.equal(parse({ hello: { epoch: "e", offset: 0.5 } }), undefined);
  assert.equal(parse({ hello: { epoch: 1, offset: 7 } }), undefined);
});

it("events and gaps carry their offset", () => {
  assert.deepEqual(parse({ offset: 3, events: [1] }), { kind: "events", offset: 3, events: [1] });
  assert.deepEqual(parse({ offset: 3, gap: true, events: [1] }), { kind: "gap", offset: 3 });
  assert.equal(parse({ offset: 3, gap: 1 }), undefined);
  assert.equal(parse({ offset: "3", events: [] }), undefined);
  assert.equal(parse({ gap: true }), undefined);
  assert.equal(parse({ offset: 3, events: {} }), undefined);
});

it("anything but a JSON object in text is malformed", () => {
  for (const data of ["", "{", "[]", "null", "1", new ArrayBuffer(2), undefined]) {
    assert.equal(parseFrame(data), undefined);
  }
});
