declare module "world-atlas/countries-110m.json" {
  import type { GeometryCollection, MultiPolygon, Polygon, Topology } from "topojson-specification";

  interface Countries extends GeometryCollection {
    geometries: (MultiPolygon | Polygon)[];
  }

  const atlas: Topology<{ readonly countries: Countries }>;
  // biome-ignore lint/style/noDefaultExport: JSON modules have only a default export
  export default atlas;
}
