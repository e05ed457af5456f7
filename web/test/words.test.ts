/** The words that readers see. */

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test as it } from "node:test";

/** test/run.mjs starts the tests in web/. */
const SRC = "src";

it("the sides of a trade are called sold and bought everywhere", async () => {
  const files = (await readdir(SRC, { recursive: true })).filter((file) => /\.(?:ts|html)$/u.test(file));
  const lines = await Promise.all(
    files.map(async (file) => (await readFile(join(SRC, file), "utf8")).match(/^.*\b(?:Sell|Buy)\b.*$/gmu)),
  );
  assert.deepEqual(
    lines.flatMap((found) => found ?? []),
    [],
  );
});
