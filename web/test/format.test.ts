/** Formatting of values. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import {
  countryNames,
  decimalFormat,
  decimalReader,
  duration,
  padding,
  perSecond,
} from "../src/ui/format.ts";

it("amounts keep all their digits", () => {
  const decimal = decimalFormat("en");
  assert.equal(decimal("747.10"), "747.10");
  assert.equal(decimal("123456789012345678.123456789012"), "123,456,789,012,345,678.123456789012");
  assert.equal(decimal("0.000000000001"), "0.000000000001");
  assert.equal(decimal("1000"), "1,000");
  assert.equal(decimal("999"), "999");
});

it("amounts are grouped with the locale's separators", () => {
  assert.equal(decimalFormat("de")("1234567.80"), "1.234.567,80");
  assert.equal(decimalFormat("fr")("1234567.80"), "1\u{202f}234\u{202f}567,80");
});

it("typed amounts are read with the locale's separators, and returned unchanged otherwise", () => {
  const read = (locale: string, typed: string): string => decimalReader(locale)(typed);
  assert.deepEqual(
    ["1.000", "1.000,50", "1000,5", "1234567", "747.10", " 5 "].map((typed) => read("de", typed)),
    ["1000", "1000.50", "1000.5", "1234567", "747.10", "5"],
  );
  assert.deepEqual(
    ["1,000", "1,000.50", "1.000", "1,00", "1,0000"].map((typed) => read("en", typed)),
    ["1000", "1000.50", "1.000", "1,00", "1,0000"],
  );
  assert.equal(read("fr", "1\u{202f}234 567,8"), "1234567.8");
  for (const invalid of ["", "1e5", "-3", "1.2.3", "<b>", "1,2,3"]) {
    assert.equal(read("en", invalid), invalid);
    assert.equal(read("de", invalid), invalid);
  }
});

it("a shown number can be typed, in every locale", () => {
  const amounts = [
    "747.10",
    "1000",
    "12345",
    "1234567.80",
    "123456789012345678.123456789012",
    "0.000000000001",
  ];
  for (const locale of [
    "en",
    "de",
    "de-CH",
    "fr",
    "ar-EG",
    "fa",
    "bn",
    "ne",
    "hi",
    "en-IN",
    "pl",
    "es",
    "th",
    "my",
  ]) {
    for (const amount of amounts) {
      assert.equal(decimalReader(locale)(decimalFormat(locale)(amount)), amount, locale);
      assert.match(decimalFormat(locale)(amount), /^[0-9.,'’\s]+$/u);
    }
  }
  assert.equal(decimalFormat("hi")("1234567.80"), "12,34,567.80");
});

it("digits of any script can be typed", () => {
  const read = (locale: string, typed: string): string => decimalReader(locale)(typed);
  assert.equal(read("ar-EG", "١٬٢٣٤٫٥"), "1234.5");
  assert.equal(read("fa", "۱۲۳۴٫۵۰"), "1234.50");
  assert.equal(read("bn", "১২,৩৪,৫৬৭.৮০"), "1234567.80");
  assert.equal(read("ne", "९"), "9");
  assert.equal(read("en", "１２３"), "123");
  assert.equal(read("de-CH", "1'234’567.5"), "1234567.5");
});

it("padding aligns the decimal points of a column", () => {
  assert.deepEqual(
    ["61799", "6218.3", "747.10", "0.12345"].map((amount) => padding(amount, 2)),
    [".00", "0", "", ""],
  );
});

it("anything but a plain decimal is shown unchanged", () => {
  for (const invalid of ["", "1e5", "-3", "1.", "NaN", "<b>"]) {
    assert.equal(decimalFormat("en")(invalid), invalid);
  }
});

it("durations have a suitable unit", () => {
  assert.deepEqual([3.4, 999.4, 1500, 120_000, 7_200_000].map(duration), [
    "3 ms",
    "999 ms",
    "1.5 s",
    "2 min",
    "2 h",
  ]);
});

it("rates below a hundred have one decimal", () => {
  assert.match(perSecond(49.96), /^50[.,]0$/u);
  assert.equal(perSecond(500.4), "500");
});

it("country codes get names, and unknown codes stay as they are", () => {
  const name = countryNames("en");
  assert.equal(name("FR"), "France");
  assert.equal(name("XK"), "Kosovo");
  for (const invalid of ["", "fr", "F", "FRANCE", "<b>"]) {
    assert.equal(name(invalid), invalid);
  }
});
