/** Exact decimals: sums and quotients are right to the last digit. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { approximate, parseUnits, quotient, unitsText } from "../src/trade/decimal.ts";

function units(text: string): bigint {
  return parseUnits(text) ?? -1n;
}

it("a decimal is parsed and formatted without change, except for trailing zeros", () => {
  for (const [text, back] of [
    ["747.10", "747.1"],
    ["0.000000000001", "0.000000000001"],
    ["999999999999999999.999999999999", "999999999999999999.999999999999"],
    ["1000", "1000"],
    ["007", "7"],
  ] as const) {
    assert.equal(unitsText(units(text)), back);
  }
});

it("sums are exact where sums of numbers are not", () => {
  assert.equal(unitsText(units("0.1") + units("0.2")), "0.3");
});

it("anything but a plain decimal is rejected", () => {
  for (const text of ["", "1e3", "-1", ".5", "1.", "1.1234567890123", "x"]) {
    assert.equal(parseUnits(text), undefined, text);
  }
});

it("a quotient is rounded to twelve digits", () => {
  assert.equal(quotient(units("2"), units("3")), "0.666666666667");
  assert.equal(quotient(units("2000"), units("3")), "666.666666667");
  assert.equal(quotient(units("747.1"), units("1000")), "0.7471");
  assert.equal(quotient(units("1"), units("3000")), "0.000333333333");
  assert.equal(quotient(units("1"), 0n), "0");
});

it("an approximation is close", () => {
  assert.equal(approximate(units("747.1")), 747.1);
});
