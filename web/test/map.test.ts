/** The map: every country has its place, circles tell the truth, and a pointer finds the one that it means. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { drawWorld } from "../src/map/atlas.ts";
import { type Dot, fitInto, meant, radius, roundBelow, towards } from "../src/map/geometry.ts";
import { PLACES } from "../src/map/places.ts";
import { COUNTRIES } from "../src/trade/codes.ts";

function dot(country: string, x: number, y: number, size = 5): Dot {
  return { country, x, y, radius: size };
}

it("each country that a trade may come from has a place, and no other has", () => {
  assert.deepEqual([...PLACES.keys()].sort(), [...COUNTRIES].sort());
});

it("places are on Earth, and no two are the same", () => {
  for (const [longitude, latitude] of PLACES.values()) {
    assert(Math.abs(longitude) <= 180);
    assert(Math.abs(latitude) <= 90);
  }
  assert.equal(new Set([...PLACES.values()].map(String)).size, PLACES.size);
});

it("the world's frame holds every place, and no drawing is cut in two", () => {
  const { size, spots, land, borders } = drawWorld();
  for (const { x, y } of spots.values()) {
    assert(x >= -0.001 && x <= size.width + 0.001);
    assert(y >= -0.001 && y <= size.height + 0.001);
  }
  assert(size.width > 2 * size.height);
  assert.match(land, /^M[-\d.,MLZ]+$/u);
  assert.match(borders, /^M[-\d.,MLZ]+$/u);
  // The far east of Russia and Alaska's west: on the right side each.
  const [ru, us] = [spots.get("RU"), spots.get("US")];
  assert(ru && us && ru.x > us.x);
});

it("the world fills its room as far as it goes, in the middle", () => {
  const wide = fitInto({ width: 1000, height: 500 }, { width: 1012, height: 912 });
  assert.deepEqual(wide, { scale: 1, x: 6, y: 206 });
  const tall = fitInto({ width: 1000, height: 500 }, { width: 1012, height: 262 });
  assert.deepEqual(tall, { scale: 0.5, x: 256, y: 6 });
});

it("a circle's area is to another's as their counts", () => {
  const area = (count: number): number => radius(count, 400, 20) ** 2;
  assert.equal(radius(400, 400, 20), 20);
  assert.equal(Math.round(area(400) / area(100)), 4);
  assert.equal(radius(0, 400, 20), 0);
});

it("a single trade among millions is still a dot", () => {
  assert.equal(radius(1, 10_000_000, 20), 1.5);
});

it("the legend's circle stands for a round number", () => {
  const rounded = [1, 2, 4, 5, 9, 10, 19, 20, 3120, 99_999].map(roundBelow);
  assert.deepEqual(rounded, [1, 2, 2, 5, 5, 10, 10, 20, 2000, 50_000]);
});

it("a pointer means the circle that it is in or near, and of several the smallest", () => {
  const dots = [dot("CH", 100, 100, 20), dot("LI", 110, 100, 3), dot("AU", 300, 300)];
  assert.equal(meant(dots, { x: 90, y: 100 })?.country, "CH");
  assert.equal(meant(dots, { x: 111, y: 100 })?.country, "LI");
  assert.equal(meant(dots.toReversed(), { x: 111, y: 100 })?.country, "LI");
  assert.equal(meant(dots, { x: 312, y: 300 })?.country, "AU");
  assert.equal(meant(dots, { x: 330, y: 300 }), undefined);
});

it("arrows go to the next circle in their direction, and stay at the edge", () => {
  const dots = [dot("US", 100, 100), dot("FR", 200, 90), dot("JP", 400, 100), dot("ZA", 220, 300)];
  const from = (country: string, key: string): string | undefined => {
    const start = dots.find((one) => one.country === country);
    return start && towards(dots, start, key)?.country;
  };
  assert.equal(from("US", "ArrowRight"), "FR");
  assert.equal(from("FR", "ArrowRight"), "JP");
  assert.equal(from("JP", "ArrowLeft"), "FR");
  assert.equal(from("FR", "ArrowDown"), "ZA");
  assert.equal(from("ZA", "ArrowUp"), "FR");
  assert.equal(from("US", "ArrowLeft"), undefined);
  assert.equal(from("US", "x"), undefined);
});
