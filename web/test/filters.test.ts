/** Filters as the API understands them, and in the address. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { Address } from "../src/filters/address.ts";
import {
  FILTER_NAMES,
  type Filters,
  isEmptyRange,
  isFiltered,
  matches,
  NO_FILTERS,
  parseFilters,
  readFilter,
  writeFilters,
} from "../src/filters/filters.ts";
import { findProblems } from "../src/filters/problems.ts";
import { FIELDS } from "../src/trade/fields.ts";
import { FakeAddressBar, trade } from "./helpers.ts";

function found(filters: Partial<Filters>, changes: Readonly<Record<string, unknown>> = {}): boolean {
  return matches({ ...NO_FILTERS, ...filters }, trade(1, changes));
}

it("without filters every trade matches", () => {
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

it("a flag must equal one of the trade's flags", () => {
  assert.ok(found({ flag: "rate-mismatch" }, { flags: ["other", "rate-mismatch"] }));
  assert.ok(!found({ flag: "rate" }, { flags: ["rate-mismatch"] }));
});

it("amounts are compared exactly, including both bounds", () => {
  assert.ok(found({ min: "1000.00", max: "1000" }));
  assert.ok(!found({ min: "1000.000000000001" }));
  assert.ok(!found({ max: "999.999999999999" }));
  const large = { amountSell: "999999999999999999.999999999999" };
  assert.ok(found({ min: "999999999999999999.999999999999" }, large));
  assert.ok(!found({ max: "999999999999999999.999999999998" }, large));
  assert.ok(found({ min: "9" }, { amountSell: "10" }));
});

it("all words must match a code, a flag, or the start of user or id, in any case", () => {
  assert.ok(found({ q: "eur gbp fr" }));
  assert.ok(found({ q: "eur  gbp" }));
  assert.ok(found({ q: "1342" }));
  assert.ok(found({ q: "01234567-89AB" }));
  assert.ok(found({ q: "ALI" }, { userId: "alice" }));
  assert.ok(found({ q: "Rate-Mismatch" }, { flags: ["rate-mismatch"] }));
  assert.ok(!found({ q: "eur usd" }));
  assert.ok(!found({ q: "eu" }));
  assert.ok(!found({ q: "4259" }));
  assert.ok(!found({ q: "4567-89ab" }));
  assert.ok(!found({ q: "rate" }, { flags: ["rate-mismatch"] }));
});

it("only ASCII letters are compared without case, as in the archive's database", () => {
  assert.ok(found({ q: "élise" }, { userId: "éLISE" }));
  assert.ok(!found({ q: "Élise" }, { userId: "élise" }));
});

it("values are normalized as by the API", () => {
  assert.equal(readFilter("from", " eur "), "EUR");
  assert.equal(readFilter("country", "fr"), "FR");
  assert.equal(readFilter("min", " 747.10"), "747.10");
  assert.equal(readFilter("q", "  a  b "), "a  b");
  assert.equal(readFilter("user", " x"), " x");
  assert.equal(readFilter("to", ""), "");
});

it("lengths are counted in characters, not in UTF-16 units", () => {
  assert.equal(readFilter("user", "😀".repeat(64)), "😀".repeat(64));
  assert.equal(readFilter("user", "😀".repeat(65)), undefined);
  assert.equal(readFilter("q", "😀".repeat(128)), "😀".repeat(128));
  assert.equal(readFilter("q", "😀".repeat(129)), undefined);
});

it("values that the API would refuse are rejected", () => {
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

it("filters survive writing to an address and reading from it", () => {
  const filters = { ...NO_FILTERS, from: "EUR", user: "a&b=c +é", min: "0.10", q: "x y" };
  const query = new URLSearchParams();
  writeFilters(filters, query);
  assert.deepEqual(parseFilters(new URLSearchParams(query.toString())), filters);
});

it("invalid filters in an address are ignored", () => {
  const filters = parseFilters(new URLSearchParams("from=EUR&to=invalid&min=5&max=4&unknown=1"));
  assert.deepEqual(filters, { ...NO_FILTERS, from: "EUR", min: "5" });
});

it("a range is empty if its minimum exceeds its maximum in value", () => {
  assert.ok(isEmptyRange({ ...NO_FILTERS, min: "10", max: "9" }));
  assert.ok(!isEmptyRange({ ...NO_FILTERS, min: "10.0", max: "10" }));
  assert.ok(!isEmptyRange({ ...NO_FILTERS, min: "10" }));
});

it("each change adds a history entry, and Back undoes it and notifies", () => {
  const bar = new FakeAddressBar("?from=EUR");
  const address = new Address(bar);
  let notified = 0;
  address.onChange(() => {
    notified += 1;
  });
  address.setFilters({ country: "FR" });
  address.setRange({ window: "24h" });
  assert.deepEqual(bar.steps, ["?from=EUR", "?from=EUR&country=FR", "?from=EUR&country=FR&window=24h"]);
  bar.back();
  assert.deepEqual(address.range, { window: "1h" });
  bar.back();
  assert.deepEqual(address.filters, { ...NO_FILTERS, from: "EUR" });
  assert.equal(notified, 4);
});

it("Back starts a new history entry for the next keystroke, and so does any other change", () => {
  for (const change of [
    (bar: FakeAddressBar) => bar.back(),
    (_: FakeAddressBar, address: Address) => address.setFilters({ from: "EUR" }),
    (_: FakeAddressBar, address: Address) => address.setRange({ window: "24h" }),
    (_: FakeAddressBar, address: Address) => address.endTyping(),
  ]) {
    const bar = new FakeAddressBar();
    const address = new Address(bar);
    address.typeFilters({ q: "a" });
    change(bar, address);
    const before = [...bar.steps];
    address.typeFilters({ q: "ab" });
    assert.deepEqual(bar.steps.slice(0, -1), before);
  }
});

it("the first keystroke adds a history entry, even after one that changed nothing", () => {
  const bar = new FakeAddressBar();
  const address = new Address(bar);
  address.typeFilters({ q: "" });
  address.typeFilters({ q: "a" });
  assert.deepEqual(bar.steps, ["", "?q=a"]);
});

it("a change to the same value adds no history entry", () => {
  const bar = new FakeAddressBar("?from=EUR");
  const address = new Address(bar);
  address.setFilters({ from: "EUR" });
  address.setRange({ window: "1h" });
  assert.equal(bar.steps.length, 1);
});

it("consecutive keystrokes share one history entry", () => {
  const bar = new FakeAddressBar();
  const address = new Address(bar);
  address.typeFilters({ q: "a" });
  address.typeFilters({ q: "al" });
  address.endTyping();
  address.typeFilters({ q: "ali" });
  address.setFilters({ from: "EUR" });
  assert.deepEqual(bar.steps, ["", "?q=al", "?q=ali", "?from=EUR&q=ali"]);
});

it("a filter that is clicked again is removed", () => {
  const bar = new FakeAddressBar();
  const address = new Address(bar);
  address.toggleFilters({ from: "EUR", to: "GBP" });
  address.toggleFilters({ from: "EUR", to: "USD" });
  assert.equal(bar.query, "?from=EUR&to=USD");
  address.toggleFilters({ from: "EUR", to: "USD" });
  assert.equal(bar.query, "");
});

it("each filter of a field has one name, beside the page's own filters", () => {
  const own = ["from", "to", "country", "user", "flag", "min", "max", "q"];
  const others = FIELDS.flatMap(({ filter }) => filter ?? []).filter((name) => !own.includes(name));
  assert.deepEqual(FILTER_NAMES, [...own, ...others]);
});

it("a page is filtered if any filter is set", () => {
  assert.equal(isFiltered(NO_FILTERS), false);
  assert.equal(isFiltered({ ...NO_FILTERS, q: "x" }), true);
});

it("a flag has 1 to 64 small letters, digits and dashes", () => {
  assert.equal(readFilter("flag", "rate-mismatch"), "rate-mismatch");
  assert.equal(readFilter("flag", "x".repeat(64)), "x".repeat(64));
  assert.equal(readFilter("flag", "x".repeat(65)), undefined);
});

function problems(query: string): readonly string[] {
  return findProblems(new URLSearchParams(query));
}

it("a link names its parts that are not used, and the values shown instead", () => {
  assert.deepEqual(problems("?from=eur&min=1&window=24h&q="), []);
  assert.deepEqual(problems("?min=abc"), ["“min=abc” is not valid. It is ignored."]);
  assert.deepEqual(problems("?min=10&max=5"), ["“max=5” is less than “min=10”. The maximum is ignored."]);
  assert.deepEqual(problems("?form=EUR"), ["The page knows no “form”. It is ignored."]);
  for (const range of ["window=2h", "since=yesterday", "since=2026-11-24T11:00Z&until=2026-11-24T10:00Z"]) {
    assert.deepEqual(problems(range), [
      `“${range}” is not a valid time range. The page shows the last hour.`,
    ]);
  }
});

it("the next change of the page removes what was said of the link", () => {
  const address = new Address(new FakeAddressBar("?min=abc&to=x"));
  assert.equal(address.problems.length, 2);
  address.setFilters({ from: "EUR" });
  assert.deepEqual(address.problems, []);
  const other = new Address(new FakeAddressBar("?min=abc"));
  other.dismissProblems();
  assert.deepEqual(other.problems, []);
});
