/**
 * The world map's shapes. This module, its data and the projection code are a bundle of their own, loaded
 * after the page is shown.
 *
 * The Equal Earth projection preserves areas, as the circles do. It is rotated by a few degrees so that no
 * country is cut in two.
 */

import { geoEqualEarth, geoPath } from "d3-geo";
import { merge, mesh } from "topojson-client";
import atlas from "world-atlas/countries-110m.json" with { type: "json" };
import type { Point, Size } from "./geometry.ts";
import { PLACES } from "./places.ts";

/** All coordinates are in one frame, which just contains every circle's centre and is scaled as a whole. */
export interface World {
  readonly size: Size;
  /** SVG paths. */
  readonly land: string;
  readonly borders: string;
  /** The centre of each country's circle. */
  readonly spots: ReadonlyMap<string, Point>;
}

const WIDTH = 1000;
const ROTATION_DEGREES = -11;
/** It would take a fifth of the height, for a single circle at its northern tip. */
const ANTARCTICA = "010";

export function drawWorld(): World {
  const places = {
    type: "MultiPoint" as const,
    coordinates: [...PLACES.values()].map(([...place]) => place),
  };
  // No resampling: the atlas's points are close enough for straight lines between them.
  const projection = geoEqualEarth().rotate([ROTATION_DEGREES, 0]).precision(0).fitWidth(WIDTH, places);
  const path = geoPath(projection).digits(1);
  const { countries } = atlas.objects;
  const inhabited = countries.geometries.filter(({ id }) => id !== ANTARCTICA);
  return {
    size: { width: WIDTH, height: path.bounds(places)[1][1] },
    land: path(merge(atlas, inhabited)) ?? "",
    borders: path(mesh(atlas, countries, (one, other) => one !== other)) ?? "",
    spots: new Map(
      [...PLACES].map(([country, [longitude, latitude]]) => {
        const [x, y] = projection([longitude, latitude]) ?? [0, 0];
        return [country, { x, y }];
      }),
    ),
  };
}
