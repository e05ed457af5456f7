/** In which order pairs are listed, how a matrix is laid, and how figures are shortened. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { Amounts } from "../src/pairs/amounts.ts";
import { AXIS_MAX, gridOf, SHADES, shade } from "../src/pairs/matrix.ts";
import { fitting } from "../src/pairs/pairs.ts";
import {
  changeMillionths,
  held,
  ordered,
  orderText,
  pairKey,
  parseOrder,
  ranked,
  USUAL_ORDER,
  vwap,
} from "../src/pairs/ranking.ts";
import type { PairFigures } from "../src/server/stats.ts";
import { parseUnits } from "../src/trade/decimal.ts";

function units(text: string): bigint {
  return parseUnits(text) ?? 0n;
}

function pair(name: string, count: number, figures: Readonly<Record<string, string>> = {}): PairFigures {
  const { sold = "1", bought = "1", open = "1", last = "1" } = figures;
  return {
    from: name.slice(0, 3),
    to: name.slice(3),
    count,
    flagged: 0,
    sold: units(sold),
    bought: units(bought),
    open: units(open),
    high: units(last),
    low: units(open),
    last: units(last),
  };
}

function keys(pairs: readonly PairFigures[]): string {
  return pairs.map(pairKey).join(" ");
}

const EURUSD = pair("EURUSD", 3, { sold: "10", bought: "11", open: "1.1", last: "1.2" });
const USDJPY = pair("USDJPY", 9, { sold: "9", bought: "1350", open: "151", last: "150" });
const EURGBP = pair("EURGBP", 3, { sold: "100", bought: "85", open: "0.85", last: "0.85" });
const ALL = [EURUSD, USDJPY, EURGBP];

it("pairs are ranked by any column, exactly", () => {
  const by = (column: Parameters<typeof ordered>[1]): string =>
    keys(ranked(ALL, { by: column, isDown: true }));
  assert.equal(by("count"), "USD→JPY EUR→GBP EUR→USD");
  assert.equal(by("pair"), "USD→JPY EUR→USD EUR→GBP");
  assert.equal(by("sold"), "EUR→GBP EUR→USD USD→JPY");
  assert.equal(by("bought"), "USD→JPY EUR→GBP EUR→USD");
  assert.equal(by("vwap"), "USD→JPY EUR→USD EUR→GBP");
  assert.equal(by("last"), "USD→JPY EUR→USD EUR→GBP");
  assert.equal(by("change"), "EUR→USD EUR→GBP USD→JPY");
  assert.equal(keys(ranked(ALL, { by: "change", isDown: false })), "USD→JPY EUR→GBP EUR→USD");
});

it("where one currency is filtered, the pairs with it on that side are listed", () => {
  assert.equal(keys(fitting(ALL, { from: "USD", to: "" })), "USD→JPY");
  assert.equal(keys(fitting(ALL, { from: "", to: "USD" })), "EUR→USD");
  assert.deepEqual(fitting(ALL, { from: "EUR", to: "USD" }), ALL);
  assert.deepEqual(fitting(ALL, { from: "", to: "" }), ALL);
});

it("amounts that differ in their last digit only are not taken for equal", () => {
  const more = pair("AAABBB", 1, { sold: "123456789012345678.000000000002" });
  const less = pair("AAACCC", 9, { sold: "123456789012345678.000000000001" });
  assert.equal(keys(ranked([less, more], { by: "sold", isDown: true })), "AAA→BBB AAA→CCC");
});

it("the order doesn't depend on how pairs come", () => {
  assert.equal(keys(ranked(ALL.toReversed(), USUAL_ORDER)), keys(ranked(ALL, USUAL_ORDER)));
});

it("a second click on a column turns its order round", () => {
  const bySold = ordered(USUAL_ORDER, "sold");
  assert.deepEqual(bySold, { by: "sold", isDown: true });
  assert.deepEqual(ordered(bySold, "sold"), { by: "sold", isDown: false });
  assert.deepEqual(ordered(bySold, "pair"), { by: "pair", isDown: false });
});

it("an order is kept in words, and what makes no sense is the usual one", () => {
  const order = { by: "vwap", isDown: false } as const;
  assert.deepEqual(parseOrder(orderText(order)), order);
  for (const odd of [undefined, "", "price down"]) {
    assert.deepEqual(parseOrder(odd), USUAL_ORDER);
  }
});

it("rows that are held stay, and new ones come behind them", () => {
  const before = ["EUR→USD", "EUR→GBP"];
  assert.equal(keys(held(ALL, before, USUAL_ORDER)), "EUR→USD EUR→GBP USD→JPY");
  assert.equal(keys(held([USDJPY, EURGBP], before, USUAL_ORDER)), "EUR→GBP USD→JPY");
});

it("means are weighted by volume, and changes go from the first rate to the last", () => {
  assert.equal(vwap(EURGBP), "0.85");
  assert.equal(changeMillionths(EURUSD), 90_909);
  assert.equal(changeMillionths(USDJPY), -6622);
  assert.equal(changeMillionths(EURGBP), 0);
});

it("the matrix has the currencies that are there, in one order on both sides, the busiest first", () => {
  const grid = gridOf(ALL);
  assert.deepEqual(grid.rows, ["USD", "EUR"]);
  assert.deepEqual(grid.columns, ["USD", "JPY", "GBP"]);
  assert.equal(grid.cells.get("EUR→GBP"), EURGBP);
  assert.equal(grid.cells.get("USD→GBP"), undefined);
  assert.equal(grid.most, 9);
  assert.equal(grid.left, 0);
  assert.deepEqual(gridOf([]), { rows: [], columns: [], cells: new Map(), most: 0, left: 0 });
});

it("a matrix that would be too large says how many pairs it leaves out", () => {
  const many = Array.from({ length: AXIS_MAX + 2 }, (_, index) =>
    pair(`${String.fromCharCode(65 + index)}AAUSD`, 100 - index),
  );
  const grid = gridOf(many);
  assert.equal(grid.rows.length, AXIS_MAX);
  assert.equal(grid.rows[0], "AAA");
  assert.equal(grid.left, 2);
});

it("the busier, the darker, within the shades that there are", () => {
  assert.deepEqual(
    [1, 100, 250, 1000].map((count) => shade(count, 1000)),
    [1, 2, 3, SHADES],
  );
  assert.equal(shade(0, 0), 1);
});

it("figures are exact as long as they are short", () => {
  const amounts = new Amounts("en");
  assert.equal(amounts.short("1234.567801"), "1,234.567801");
  assert.equal(amounts.short("1369012.25"), "1.369M");
  assert.equal(amounts.short("792140"), "792.1K");
  assert.equal(amounts.short("12345.678901"), "12.35K");
  assert.equal(amounts.short("999999999999999"), "1000T");
  assert.equal(amounts.short("1000000000000000000"), "1E18");
  assert.equal(amounts.short("1234567890123456789.5"), "1.235E18");
  assert.equal(amounts.count(999), "999");
  assert.equal(amounts.count(12_345), "12.3K");
  assert.equal(amounts.rate("0.919271123456"), "0.91927");
  assert.equal(amounts.exact("1369012.250000000001"), "1,369,012.250000000001");
  assert.deepEqual(
    [13_600, -13_600, 0].map((millionths) => amounts.change(millionths)),
    ["+1.36", "−1.36", "0.00"],
  );
});
