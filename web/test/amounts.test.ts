/** Amounts in the table: whole, or recognisably rounded. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { roomFormat } from "../src/blotter/amounts.ts";

const ROOM = 13;
const short = roomFormat(ROOM, "en");

it("what fits is shown to the last digit", () => {
  assert.equal(short("12345678.10"), "12,345,678.10");
  assert.equal(short("0.7471"), "0.7471");
});

it("what doesn't fit is rounded, says so, and keeps its magnitude", () => {
  assert.equal(short("1234567.123456"), "≈1,234,567.12");
  assert.equal(short("0.747123456789"), "≈0.747123457");
  assert.equal(short("999999.9999999"), "≈1,000,000.00");
  assert.equal(short("999999999999999999.99"), "≈1.000e18");
  assert.equal(short("0.000000000001"), "≈1.000e-12");
  assert.equal(roomFormat(ROOM, "de")("1234567.123456"), "≈1.234.567,12");
});

it("no amount takes more room than there is", () => {
  for (let digits = 1; digits <= 18; digits += 1) {
    assert.ok(short(`${"9".repeat(digits)}.987654321987`).length <= ROOM);
    assert.ok(short("9".repeat(digits)).length <= ROOM);
  }
});
