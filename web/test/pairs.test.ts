/** Pairs: their order, the matrix, and compact numbers. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { Amounts } from "../src/pairs/amounts.ts";
import { AXIS_MAX, SHADES, shade, toMatrix } from "../src/pairs/matrix.ts";
import {
  changeMillionths,
  DEFAULT_ORDER,
  formatOrder,
  keepOrder,
  nextOrder,
  pairKey,
  parseOrder,
  ranked,
  vwap,
} from "../src/pairs/ranking.ts";
import type { PairStats } from "../src/server/stats.ts";
import { parseUnits } from "../src/trade/decimal.ts";

function units(text: string): bigint {
  return parseUnits(text) ?? 0n;
}

function pair(name: string, count: number, stats: Readonly<Record<string, string>> = {}): PairStats {
  const { sold = "1", bought = "1", open = "1", last = "1" } = stats;
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

function keys(pairs: readonly PairStats[]): string {
  return pairs.map(pairKey).join(" ");
}

const EURUSD = pair("EURUSD", 3, { sold: "10", bought: "11", open: "1.1", last: "1.2" });
const USDJPY = pair("USDJPY", 9, { sold: "9", bought: "1350", open: "151", last: "150" });
const EURGBP = pair("EURGBP", 3, { sold: "100", bought: "85", open: "0.85", last: "0.85" });
const ALL = [EURUSD, USDJPY, EURGBP];

it("pairs are sorted exactly by any column", () => {
  const by = (column: Parameters<typeof nextOrder>[1]): string =>
    keys(ranked(ALL, { by: column, isDescending: true }));
  assert.equal(by("count"), "USD→JPY EUR→GBP EUR→USD");
  assert.equal(by("pair"), "USD→JPY EUR→USD EUR→GBP");
  assert.equal(by("sold"), "EUR→GBP EUR→USD USD→JPY");
  assert.equal(by("bought"), "USD→JPY EUR→GBP EUR→USD");
  assert.equal(by("vwap"), "USD→JPY EUR→USD EUR→GBP");
  assert.equal(by("last"), "USD→JPY EUR→USD EUR→GBP");
  assert.equal(by("change"), "EUR→USD EUR→GBP USD→JPY");
  assert.equal(keys(ranked(ALL, { by: "change", isDescending: false })), "USD→JPY EUR→GBP EUR→USD");
});

it("amounts that differ only in the last digit are not equal", () => {
  const more = pair("AAABBB", 1, { sold: "123456789012345678.000000000002" });
  const less = pair("AAACCC", 9, { sold: "123456789012345678.000000000001" });
  assert.equal(keys(ranked([less, more], { by: "sold", isDescending: true })), "AAA→BBB AAA→CCC");
});

it("the order does not depend on the input order", () => {
  assert.equal(keys(ranked(ALL.toReversed(), DEFAULT_ORDER)), keys(ranked(ALL, DEFAULT_ORDER)));
});

it("a second click on a column reverses its order", () => {
  const bySold = nextOrder(DEFAULT_ORDER, "sold");
  assert.deepEqual(bySold, { by: "sold", isDescending: true });
  assert.deepEqual(nextOrder(bySold, "sold"), { by: "sold", isDescending: false });
  assert.deepEqual(nextOrder(bySold, "pair"), { by: "pair", isDescending: false });
});

it("an order survives writing and reading, and an invalid one becomes the default", () => {
  const order = { by: "vwap", isDescending: false } as const;
  assert.deepEqual(parseOrder(formatOrder(order)), order);
  for (const invalid of [undefined, "", "price down"]) {
    assert.deepEqual(parseOrder(invalid), DEFAULT_ORDER);
  }
});

it("held rows stay, and new ones come last", () => {
  const before = ["EUR→USD", "EUR→GBP"];
  assert.equal(keys(keepOrder(ALL, before, DEFAULT_ORDER)), "EUR→USD EUR→GBP USD→JPY");
  assert.equal(keys(keepOrder([USDJPY, EURGBP], before, DEFAULT_ORDER)), "EUR→GBP USD→JPY");
});

it("averages are weighted by volume, and changes go from the first rate to the last", () => {
  assert.equal(vwap(EURGBP), "0.85");
  assert.equal(changeMillionths(EURUSD), 90_909);
  assert.equal(changeMillionths(USDJPY), -6622);
  assert.equal(changeMillionths(EURGBP), 0);
});

it("the matrix has the traded currencies in one order on both axes, the busiest first", () => {
  const matrix = toMatrix(ALL);
  assert.deepEqual(matrix.rows, ["USD", "EUR"]);
  assert.deepEqual(matrix.columns, ["USD", "JPY", "GBP"]);
  assert.equal(matrix.cells.get("EUR→GBP"), EURGBP);
  assert.equal(matrix.cells.get("USD→GBP"), undefined);
  assert.equal(matrix.max, 9);
  assert.equal(matrix.omitted, 0);
  assert.deepEqual(toMatrix([]), { rows: [], columns: [], cells: new Map(), max: 0, omitted: 0 });
});

it("a matrix that is too large tells how many pairs it omits", () => {
  const many = Array.from({ length: AXIS_MAX + 2 }, (_, index) =>
    pair(`${String.fromCharCode(65 + index)}AAUSD`, 100 - index),
  );
  const matrix = toMatrix(many);
  assert.equal(matrix.rows.length, AXIS_MAX);
  assert.equal(matrix.rows[0], "AAA");
  assert.equal(matrix.omitted, 2);
});

it("busier pairs are darker", () => {
  assert.deepEqual(
    [1, 100, 250, 1000].map((count) => shade(count, 1000)),
    [1, 2, 3, SHADES],
  );
  assert.equal(shade(0, 0), 1);
});

it("short numbers are exact", () => {
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
