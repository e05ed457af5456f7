/** The map: places, sizes of circles, and hit testing. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { drawWorld } from "../src/map/atlas.ts";
import {
  boxOf,
  circleAt,
  circleTowards,
  type Dot,
  fitInto,
  radius,
  roundBelow,
} from "../src/map/geometry.ts";
import { PLACES } from "../src/map/places.ts";
import { COUNTRIES } from "../src/trade/codes.ts";

function dot(country: string, x: number, y: number, size = 5): Dot {
  return { country, x, y, radius: size };
}

it("each valid country code has a place, and no other code has one", () => {
  assert.deepEqual([...PLACES.keys()].sort(), [...COUNTRIES].sort());
});

it("places are on Earth and distinct", () => {
  for (const [longitude, latitude] of PLACES.values()) {
    assert(Math.abs(longitude) <= 180);
    assert(Math.abs(latitude) <= 90);
  }
  assert.equal(new Set([...PLACES.values()].map(String)).size, PLACES.size);
});

it("the world's frame contains all places, and no country is cut in two", () => {
  const { size, spots, land, borders } = drawWorld();
  for (const { x, y } of spots.values()) {
    assert(x >= -0.001 && x <= size.width + 0.001);
    assert(y >= -0.001 && y <= size.height + 0.001);
  }
  assert(size.width > 2 * size.height);
  assert.match(land, /^M[-\d.,MLZ]+$/u);
  assert.match(borders, /^M[-\d.,MLZ]+$/u);
  // Chukotka and western Alaska are on their own sides of the map.
  const [ru, us] = [spots.get("RU"), spots.get("US")];
  assert(ru && us && ru.x > us.x);
});

it("the world is centred and fills its container", () => {
  const wide = fitInto({ x: 0, y: 0, width: 1000, height: 500 }, { width: 1012, height: 912 });
  assert.deepEqual(wide, { scale: 1, x: 6, y: 206 });
  const tall = fitInto({ x: 0, y: 0, width: 1000, height: 500 }, { width: 1012, height: 262 });
  assert.deepEqual(tall, { scale: 0.5, x: 256, y: 6 });
});

it("the map is fitted to the places with trades, with some land around them", () => {
  const size = { width: 1000, height: 500 };
  assert.deepEqual(boxOf([], size), { x: 0, y: 0, ...size });
  const box = boxOf(
    [
      { x: 500, y: 100 },
      { x: 900, y: 300 },
    ],
    size,
  );
  assert.deepEqual(box, { x: 475, y: 87.5, width: 450, height: 225 });
  const fit = fitInto(box, { width: 462, height: 237 });
  assert.deepEqual([fit.scale, fit.x + 700 * fit.scale, fit.y + 200 * fit.scale], [1, 231, 118.5]);
  assert.ok(boxOf([{ x: 5, y: 5 }], size).width >= 300, "a single country is shown with its neighbours");
});

it("a circle's area is proportional to its count", () => {
  const area = (count: number): number => radius(count, 400, 20) ** 2;
  assert.equal(radius(400, 400, 20), 20);
  assert.equal(Math.round(area(400) / area(100)), 4);
  assert.equal(radius(0, 400, 20), 0);
});

it("a single trade among millions is still visible", () => {
  assert.equal(radius(1, 10_000_000, 20), 1.5);
});

it("the legend's circle has a round number", () => {
  const rounded = [1, 2, 4, 5, 9, 10, 19, 20, 3120, 99_999].map(roundBelow);
  assert.deepEqual(rounded, [1, 2, 2, 5, 5, 10, 10, 20, 2000, 50_000]);
});

it("a pointer hits the circle that it is in or near, and of several the smallest", () => {
  const dots = [dot("CH", 100, 100, 20), dot("LI", 110, 100, 3), dot("AU", 300, 300)];
  assert.equal(circleAt(dots, { x: 90, y: 100 })?.country, "CH");
  assert.equal(circleAt(dots, { x: 111, y: 100 })?.country, "LI");
  assert.equal(circleAt(dots.toReversed(), { x: 111, y: 100 })?.country, "LI");
  assert.equal(circleAt(dots, { x: 312, y: 300 })?.country, "AU");
  assert.equal(circleAt(dots, { x: 330, y: 300 }), undefined);
});

it("arrow keys move to the next circle in their direction, and stop at the edge", () => {
  const dots = [dot("US", 100, 100), dot("FR", 200, 90), dot("JP", 400, 100), dot("ZA", 220, 300)];
  const from = (country: string, key: string): string | undefined => {
    const start = dots.find((each) => each.country === country);
    return start && circleTowards(dots, start, key)?.country;
  };
  assert.equal(from("US", "ArrowRight"), "FR");
  assert.equal(from("FR", "ArrowRight"), "JP");
  assert.equal(from("JP", "ArrowLeft"), "FR");
  assert.equal(from("FR", "ArrowDown"), "ZA");
  assert.equal(from("ZA", "ArrowUp"), "FR");
  assert.equal(from("US", "ArrowLeft"), undefined);
  assert.equal(from("US", "x"), undefined);
});
