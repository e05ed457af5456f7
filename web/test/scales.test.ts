/** Type and spacing: every size comes from the scales in ui/base.css. */

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test as it } from "node:test";

/** test/run.mjs starts the tests in web/. */
const SRC = "src";
const SIZE = /^\s*(?:font-size|padding|margin|gap|row-gap|column-gap)(?:-[a-z]+)*:[^;]*\drem/gmu;

it("font sizes, paddings, margins and gaps come from the scales", async () => {
  const files = (await readdir(SRC, { recursive: true })).filter((file) => file.endsWith(".css"));
  assert.ok(files.length > 10);
  const found = await Promise.all(
    files.map(async (file) => (await readFile(join(SRC, file), "utf8")).match(SIZE) ?? []),
  );
  assert.deepEqual(found.flat(), []);
});
