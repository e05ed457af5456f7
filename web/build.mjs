/**
 * Builds the pages: `node build.mjs [outdir]`, by default into dist/ beside this file.
 *
 * Files in assets/ have a content hash in their name and may be cached for ever; the pages that refer to them
 * may not. Each file gets a .gz for nginx's gzip_static. The output is built in a temporary folder and then
 * renamed, so that a running server never serves an incomplete build.
 */

import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, "src");
/**
 * The pages, as source and output name. They refer to assets by relative paths, since a proxy in front may serve them
 * below any path. So the page at the address of a trade, one folder deeper, is a copy with other references.
 *
 * @type {[string, string][]}
 */
const PAGES = [
  ["index.html", "index.html"],
  ["index.html", "trade/index.html"],
  ["api.html", "api.html"],
  ["404.html", "404.html"],
];
const REFERENCE = /(?<=\s(?:href|src)=")(?![#/])/gu;
/**
 * What is bundled together, as source and output name, and the format of its scripts. A plain script (`iife`) runs
 * before any module may.
 *
 * @type {{ format: "esm" | "iife", entries: [string, string][] }[]}
 */
const BUNDLES = [
  { format: "iife", entries: [["opening.ts", "opening"]] },
  {
    format: "esm",
    entries: [
      ["main.ts", "app"],
      ["style.css", "style"],
      ["favicon.svg", "favicon"],
    ],
  },
  {
    format: "esm",
    entries: [
      ["api/main.ts", "api"],
      ["api/style.css", "api"],
    ],
  },
];
const HASHED = /(?<name>\w+)-\w+(?<suffix>\.\w+)$/u;

/**
 * Builds the pages into `outdir`, replacing the previous build.
 *
 * @param {string} outdir
 */
async function buildPages(outdir) {
  const built = await mkdtemp(`${outdir}.new-`);
  try {
    const assets = await bundle(built);
    for (const [template, page] of PAGES) {
      await writePage(built, template, page, assets);
    }
    await compress(built);
    await makeReadable(built);
    await replaceOutput(built, outdir);
  } finally {
    await rm(built, { recursive: true, force: true });
  }
}

/**
 * Bundles into `outdir`/assets. Returns the path of each asset by its name without hash.
 *
 * Each page is bundled separately, so that only dynamic imports are split off.
 *
 * @param {string} outdir
 */
async function bundle(outdir) {
  const assets = new Map();
  for (const { format, entries } of BUNDLES) {
    const { metafile } = await build({
      absWorkingDir: here,
      entryPoints: entries.map(([name, out]) => ({ in: join(source, name), out })),
      entryNames: "assets/[name]-[hash]",
      chunkNames: "assets/[name]-[hash]",
      outdir,
      bundle: true,
      splitting: format === "esm",
      minify: true,
      format,
      target: "es2023",
      loader: { ".svg": "copy" },
      legalComments: "none",
      metafile: true,
      logLevel: "warning",
    });
    for (const path of Object.keys(metafile.outputs)) {
      const { name, suffix } = HASHED.exec(path)?.groups ?? {};
      assets.set(`${name}${suffix}`, `assets/${basename(path)}`);
    }
  }
  return assets;
}

/**
 * Writes a page with the paths of its assets and without indentation.
 *
 * @param {string} outdir
 * @param {string} name
 * @param {string} output
 * @param {ReadonlyMap<string, string>} assets
 */
async function writePage(outdir, name, output, assets) {
  const template = await readFile(join(source, name), "utf8");
  const page = template.replace(/\{\{(.+?)\}\}/gu, (_, asset) => {
    const path = assets.get(asset);
    if (path === undefined) {
      throw new Error(`src/${name} refers to ${asset}, which is not built`);
    }
    return path;
  });
  const file = join(outdir, output);
  await mkdir(dirname(file), { recursive: true });
  const toRoot = "../".repeat(output.split("/").length - 1);
  await writeFile(file, page.replace(/\n\s*/gu, "\n").replace(REFERENCE, toRoot));
}

/** @param {string} outdir */
async function compress(outdir) {
  for (const file of await filesIn(outdir)) {
    const compressed = await promisify(gzip)(await readFile(file), { level: constants.Z_BEST_COMPRESSION });
    await writeFile(`${file}.gz`, compressed);
  }
}

/**
 * The server may run as another user, whatever the umask of the build.
 *
 * @param {string} outdir
 */
async function makeReadable(outdir) {
  await chmod(outdir, 0o755);
  await chmod(join(outdir, "assets"), 0o755);
  await chmod(join(outdir, "trade"), 0o755);
  for (const file of await filesIn(outdir)) {
    await chmod(file, 0o644);
  }
}

/**
 * @param {string} built
 * @param {string} outdir
 */
async function replaceOutput(built, outdir) {
  const old = `${built}-old`;
  if (existsSync(outdir)) {
    await rename(outdir, old);
  }
  await rename(built, outdir);
  await rm(old, { recursive: true, force: true });
}

/** @param {string} folder */
async function filesIn(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

await buildPages(resolve(argv[2] ?? join(here, "dist")));
