/** The scale of rates: a wild rate does not flatten the others. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { usualRange } from "../src/series/scale.ts";

const USUAL = Array.from({ length: 40 }, (_, index) => 1 + (index % 10) / 100);

it("outliers are not in the range of the usual values", () => {
  assert.deepEqual(usualRange([...USUAL, 50, null, 0.0001]), { min: 1, max: 1.09 });
});

it("values that are spread evenly are all in the range", () => {
  assert.deepEqual(usualRange(Array.from({ length: 100 }, (_, index) => index)), { min: 0, max: 99 });
});

it("few values, equal ones and none have no outliers", () => {
  assert.deepEqual(usualRange([1, 1.01, 50]), { min: 1, max: 50 });
  assert.deepEqual(usualRange([...Array.from({ length: 20 }, () => 2), 3]), { min: 2, max: 3 });
  assert.equal(usualRange([null, null]), undefined);
});
