/** Fields that the page shows by their label and kind. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { fieldText } from "../src/blotter/labelled.ts";
import { NO_FILTERS } from "../src/filters/filters.ts";
import { FIELDS, type Field } from "../src/trade/fields.ts";
import { trade } from "./helpers.ts";

const CHANGES = { amountSell: "747.10" };

it("a labelled field is shown by its kind", () => {
  const texts = FIELDS.slice(0, 8).map((field) =>
    fieldText(field, trade(1, CHANGES), "utc").replace(",", "."),
  );
  assert.deepEqual(texts, [
    "134259",
    "EUR",
    "GBP",
    "747.10",
    "747.10",
    "0.7471",
    "2015-01-24 10:27:44",
    "France",
  ]);
});

it("a field that the trade lacks is empty, whatever its kind", () => {
  for (const field of FIELDS) {
    const absent = { ...field, name: "channel" as Field["name"] };
    assert.equal(fieldText(absent, trade(1), "utc"), "", field.kind);
  }
});

it("each field with a filter has one in the address", () => {
  for (const { filter } of FIELDS) {
    assert.ok(filter === undefined || NO_FILTERS[filter] === "");
  }
});
