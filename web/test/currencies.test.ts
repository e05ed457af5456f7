/** The currencies of the page: those of the code table, and those that the stack's settings admit. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { flagLabel, flagReason } from "../src/blotter/flags.ts";
import { CURRENCIES, withExtra } from "../src/trade/currencies.ts";

it("without settings the currencies are those of ISO 4217, withdrawn ones among them", () => {
  for (const code of ["EUR", "DEM", "XEU"]) {
    assert(CURRENCIES.has(code));
  }
  for (const code of ["XAU", "CNH", ""]) {
    assert(!CURRENCIES.has(code));
  }
});

it("the settings admit more currencies, and each is listed once and in order", () => {
  assert.deepEqual([...withExtra(new Set(["EUR", "USD"]), "GBP CNH EUR")], ["CNH", "EUR", "GBP", "USD"]);
  assert.deepEqual([...withExtra(new Set(["EUR"]), "")], ["EUR"]);
});

it("each flag that the API sets has words, and an unknown flag is shown as it is", () => {
  for (const flag of ["rate-mismatch", "rounded"]) {
    assert.notEqual(flagLabel(flag), flag);
    assert.notEqual(flagReason(flag), flag);
  }
  assert.equal(flagLabel("new"), "new");
});
