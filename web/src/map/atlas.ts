/**
 * The drawing of the world. It comes in a file of its own (with its data, and all that knows of projections), which
 * is loaded once the page stands: nothing waits for it.
 *
 * Equal Earth shows areas true, as the circles do. It is turned by a few degrees so that no country is cut in two.
 */

import { geoEqualEarth, geoPath } from "d3-geo";
import { merge, mesh } from "topojson-client";
import atlas from "world-atlas/countries-110m.json" with { type: "json" };
import type { Point, Size } from "./geometry.ts";
import { PLACES } from "./places.ts";

/** All in one frame, which just holds every circle's middle, and is to be enlarged or shrunk as a whole. */
export interface World {
  readonly size: Size;
  /** SVG paths. */
  readonly land: string;
  readonly borders: string;
  /** Where each country's circle stands. */
  readonly spots: ReadonlyMap<string, Point>;
}

const WIDTH = 1000;
const TURN_DEGREES = -11;
/** It would take a fifth of the room, and has one circle at most, which stands at its northern tip. */
const ANTARCTICA = "010";

export function drawWorld(): World {
  const places = {
    type: "MultiPoint" as const,
    coordinates: [...PLACES.values()].map(([...place]) => place),
  };
  // Lines are straight between two points of the atlas, which are close enough to each other.
  const projection = geoEqualEarth().rotate([TURN_DEGREES, 0]).precision(0).fitWidth(WIDTH, places);
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
