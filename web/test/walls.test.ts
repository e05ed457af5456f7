/**
 * Import rules for the folders of src/.
 *
 * Sources are below page.ts, panels are above it. A room is a folder of src/, or a file directly in src/.
 * Type-only imports count too.
 */

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { test as it } from "node:test";

const SOURCES = ["trade", "filters", "server", "stream", "ui"];
const PANELS = ["status", "filterbar", "blotter", "map", "pairs", "series", "ops", "audit", "login"];

/** The other rooms that each room may import. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  trade: [],
  "root.ts": [],
  filters: ["trade", "root.ts"],
  server: ["trade", "filters"],
  stream: ["trade", "filters", "server", "root.ts"],
  ui: [],
  "own-fetch.ts": ["server", "root.ts"],
  "opening.ts": ["server", "own-fetch.ts"],
  "page.ts": SOURCES,
  ...Object.fromEntries(PANELS.map((panel) => [panel, [...SOURCES, "page.ts", "root.ts"]])),
  "main.ts": [...SOURCES, "own-fetch.ts", "page.ts", "root.ts", ...PANELS],
  "style.css": ["ui", ...PANELS],
  api: ["trade", "ui", "root.ts"],
  "index.html": [],
  "api.html": [],
  "404.html": [],
  "favicon.svg": [],
};

/** The packages that each room may import. The other rooms import none. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  map: ["d3-geo", "topojson-client", "topojson-specification", "world-atlas"],
  series: ["uplot"],
};

/** test/run.mjs starts the tests in web/. */
const SRC = "src";
const IMPORT = /\b(?:from|import|url)\b\s*\(?\s*"(?<target>[\w@./-]+)"/gu;

/**
 * Maps each file of src/ to its imports. Files are given by their path in src/, packages by their specifier.
 */
async function readImports(): Promise<ReadonlyMap<string, readonly string[]>> {
  const entries = await readdir(SRC, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  const imports = files.map(async (file) => {
    const code = /\.(?:ts|css)$/u.test(file) ? await readFile(file, "utf8") : "";
    const targets = [...code.matchAll(IMPORT)].map(({ groups }) => groups?.["target"] ?? "");
    return [relative(SRC, file), targets.map((target) => resolved(file, target))] as const;
  });
  return new Map(await Promise.all(imports));
}

function resolved(file: string, target: string): string {
  return target.startsWith(".") ? relative(SRC, join(file, "..", target)) : target;
}

function roomOf(file: string): string {
  return file.split("/")[0] ?? "";
}

const FILES = await readImports();
const EDGES = [...FILES].flatMap(([file, targets]) => targets.map((target) => [file, target] as const));

it("the files and imports of src/ are found", () => {
  for (const file of ["main.ts", "page.ts", "trade/event.ts", "map/world-atlas.d.ts", "ops/ops.css"]) {
    assert.ok(FILES.has(file), file);
  }
  assert.ok(FILES.get("main.ts")?.includes("stream/feed.ts"));
  assert.ok(FILES.get("map/map.ts")?.includes("map/atlas.ts"), "dynamic imports count");
  assert.ok(FILES.get("style.css")?.includes("ops/ops.css"));
});

it("every file is in a known room", () => {
  assert.deepEqual(
    [...FILES.keys()].filter((file) => !(roomOf(file) in MAY_IMPORT)),
    [],
  );
});

it("a room imports only the rooms that it may", () => {
  const forbidden = EDGES.filter(([file, target]) => {
    const [room, other] = [roomOf(file), roomOf(target)];
    return FILES.has(target) && other !== room && !MAY_IMPORT[room]?.includes(other);
  });
  assert.deepEqual(forbidden, []);
});

it("every other import is a package that the room may use", () => {
  const unknown = EDGES.filter(
    ([file, target]) => !(FILES.has(target) || PACKAGES[roomOf(file)]?.includes(roomOf(target))),
  );
  assert.deepEqual(unknown, []);
});

it("imports have no cycle", () => {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    assert.ok(!path.includes(file), `cycle: ${[...path.slice(path.indexOf(file)), file].join(" → ")}`);
    if (!done.has(file)) {
      for (const target of FILES.get(file) ?? []) {
        visit(target, [...path, file]);
      }
      done.add(file);
    }
  };
  for (const file of FILES.keys()) {
    visit(file, []);
  }
});
