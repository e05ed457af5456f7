/** What the reader wants to see: as the API understands it, and in the address. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { Address } from "../src/filters/address.ts";
import {
  type Filters,
  isEmptyRange,
  matches,
  NO_FILTERS,
  parseFilters,
  readFilter,
  writeFilters,
} from "../src/filters/filters.ts";
import { FakeBar, update } from "./helpers.ts";

function found(filters: Partial<Filters>, changes: Readonly<Record<string, unknown>> = {}): boolean {
  return matches({ ...NO_FILTERS, ...filters }, update(1, changes));
}

it("no filter finds everything", () => {
  assert.ok(found({}));
});

it("pair, country and user are compared exactly", () => {
  assert.ok(found({ from: "EUR", to: "GBP", country: "FR", user: "134259" }));
  assert.ok(!found({ from: "GBP" }));
  assert.ok(!found({ to: "EUR" }));
  assert.ok(!found({ country: "DE" }));
  assert.ok(!found({ user: "13425" }));
  assert.ok(!found({ user: "Bob" }, { userId: "bob" }));
});

it("a flag is one of the update's flags, as a whole", () => {
  assert.ok(found({ flag: "rate-mismatch" }, { flags: ["other", "rate-mismatch"] }));
  assert.ok(!found({ flag: "rate" }, { flags: ["rate-mismatch"] }));
});

it("amounts are compared as numbers, to the last digit, and the bounds belong to the range", () => {
  assert.ok(found({ min: "1000.00", max: "1000" }));
  assert.ok(!found({ min: "1000.000000000001" }));
  assert.ok(!found({ max: "999.999999999999" }));
  const large = { amountSell: "999999999999999999.999999999999" };
  assert.ok(found({ min: "999999999999999999.999999999999" }, large));
  assert.ok(!found({ max: "999999999999999999.999999999998" }, large));
  assert.ok(found({ min: "9" }, { amountSell: "10" }));
});

it("all words must match: a code or a flag whole, user or id from their beginning, in any case", () => {
  assert.ok(found({ q: "eur gbp fr" }));
  assert.ok(found({ q: "1342" }));
  assert.ok(found({ q: "01234567-89AB" }));
  assert.ok(found({ q: "ALI" }, { userId: "alice" }));
  assert.ok(found({ q: "Rate-Mismatch" }, { flags: ["rate-mismatch"] }));
  assert.ok(!found({ q: "eur usd" }));
  assert.ok(!found({ q: "eu" }));
  assert.ok(!found({ q: "4259" }));
  assert.ok(!found({ q: "rate" }, { flags: ["rate-mismatch"] }));
});

it("as in the archive's database, only ASCII's letters have two cases", () => {
  assert.ok(found({ q: "élise" }, { userId: "éLISE" }));
  assert.ok(!found({ q: "Élise" }, { userId: "élise" }));
});

it("values are read as the API reads them", () => {
  assert.equal(readFilter("from", " eur "), "EUR");
  assert.equal(readFilter("country", "fr"), "FR");
  assert.equal(readFilter("min", " 747.10"), "747.10");
  assert.equal(readFilter("q", "  a  b "), "a  b");
  assert.equal(readFilter("user", " x"), " x");
  assert.equal(readFilter("to", ""), "");
});

it("what the API would refuse is no value", () => {
  for (const [name, text] of [
    ["from", "EURO"],
    ["from", "XTS"],
    ["country", "FRA"],
    ["country", "ZZ"],
    ["country", "fı"],
    ["flag", "Rate Mismatch"],
    ["min", "1e9"],
    ["min", "-1"],
    ["max", "1234567890123456789"],
    ["max", "1.1234567890123"],
    ["user", "x".repeat(65)],
    ["user", "a\u0000b"],
    ["q", "x".repeat(129)],
  ] as const) {
    assert.equal(readFilter(name, text), undefined, `${name}=${text}`);
  }
});

it("an address gives back the filters that were written into it", () => {
  const filters = { ...NO_FILTERS, from: "EUR", user: "a&b=c +é", min: "0.10", q: "x y" };
  const query = new URLSearchParams();
  writeFilters(filters, query);
  assert.deepEqual(parseFilters(new URLSearchParams(query.toString())), filters);
});

it("an address with faults asks for what is left of it", () => {
  const filters = parseFilters(new URLSearchParams("from=EUR&to=nonsense&min=5&max=4&unknown=1"));
  assert.deepEqual(filters, { ...NO_FILTERS, from: "EUR", min: "5" });
});

it("a range is empty when its least is more than its most, by value", () => {
  assert.ok(isEmptyRange({ ...NO_FILTERS, min: "10", max: "9" }));
  assert.ok(!isEmptyRange({ ...NO_FILTERS, min: "10.0", max: "10" }));
  assert.ok(!isEmptyRange({ ...NO_FILTERS, min: "10" }));
});

it("each change is a step, and Back undoes it and tells", () => {
  const bar = new FakeBar("?from=EUR");
  const address = new Address(bar);
  let told = 0;
  address.onChange(() => {
    told += 1;
  });
  address.filter({ country: "FR" });
  address.show("24h");
  assert.deepEqual(bar.steps, ["?from=EUR", "?from=EUR&country=FR", "?from=EUR&country=FR&window=24h"]);
  bar.back();
  assert.equal(address.window, "1h");
  bar.back();
  assert.deepEqual(address.filters, { ...NO_FILTERS, from: "EUR" });
  assert.equal(told, 4);
});

it("what changes nothing is no step", () => {
  const bar = new FakeBar("?from=EUR");
  const address = new Address(bar);
  address.filter({ from: "EUR" });
  address.show("1h");
  assert.equal(bar.steps.length, 1);
});

it("the letters of what is typed are one step", () => {
  const bar = new FakeBar();
  const address = new Address(bar);
  address.type({ q: "a" });
  address.type({ q: "al" });
  address.typed();
  address.type({ q: "ali" });
  address.filter({ from: "EUR" });
  assert.deepEqual(bar.steps, ["", "?q=al", "?q=ali", "?from=EUR&q=ali"]);
});

it("what is clicked again is taken away", () => {
  const bar = new FakeBar();
  const address = new Address(bar);
  address.toggle({ from: "EUR", to: "GBP" });
  address.toggle({ from: "EUR", to: "USD" });
  assert.equal(bar.query, "?from=EUR&to=USD");
  address.toggle({ from: "EUR", to: "USD" });
  assert.equal(bar.query, "");
});
