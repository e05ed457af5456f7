/** Bundles the tests into a temporary folder and runs them with Node's test runner. */

import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execPath, exit } from "node:process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const tests = (await readdir(here)).filter((name) => name.endsWith(".test.ts"));
const outdir = await mkdtemp(join(tmpdir(), "tradewire-web-"));
/** @type {number | null} */
let status = 1;
try {
  await build({
    entryPoints: tests.map((name) => join(here, name)),
    outdir,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    sourcemap: "inline",
    logLevel: "warning",
  });
  const files = tests.map((name) => join(outdir, name.replace(/\.ts$/u, ".mjs")));
  ({ status } = spawnSync(execPath, ["--enable-source-maps", "--test", ...files], {
    cwd: join(here, ".."),
    stdio: "inherit",
  }));
} finally {
  await rm(outdir, { recursive: true });
}
exit(status ?? 1);
