/** Amounts in narrow columns: exact, or visibly rounded. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { shortFormat } from "../src/blotter/amounts.ts";

const MAX_CHARS = 13;
const short = shortFormat(MAX_CHARS, "en");

it("an amount that fits is shown with all digits", () => {
  assert.equal(short("12345678.10"), "12,345,678.10");
  assert.equal(short("0.7471"), "0.7471");
});

it("a longer amount is rounded, marked, and keeps its magnitude", () => {
  assert.equal(short("1234567.123456"), "≈1,234,567.12");
  assert.equal(short("0.747123456789"), "≈0.747123457");
  assert.equal(short("999999.9999999"), "≈1,000,000.00");
  assert.equal(short("999999999999999999.99"), "≈1.000e18");
  assert.equal(short("0.000000000001"), "≈1.000e-12");
  assert.equal(shortFormat(MAX_CHARS, "de")("1234567.123456"), "≈1.234.567,12");
});

it("a formatted amount never exceeds the maximum length", () => {
  for (let digits = 1; digits <= 18; digits += 1) {
    assert.ok(short(`${"9".repeat(digits)}.987654321987`).length <= MAX_CHARS);
    assert.ok(short("9".repeat(digits)).length <= MAX_CHARS);
  }
});
