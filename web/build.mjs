/**
 * Builds the pages: `node build.mjs [outdir]`, by default into dist/ beside this file.
 *
 * What is named by its content (assets/) may be cached for ever; the pages name it, and may not. Each file gets
 * a .gz beside it, for nginx's gzip_static. The whole is built next to its place and then renamed into it, so that
 * a server that is running never sees half of it.
 */

import { existsSync } from "node:fs";
import { chmod, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, "src");
const PAGES = ["index.html", "api.html"];
/**
 * What each page names.
 *
 * @type {[string, string][][]}
 */
const ENTRIES = [
  [
    ["main.ts", "app"],
    ["style.css", "style"],
    ["favicon.svg", "favicon"],
  ],
  [
    ["api/main.ts", "api"],
    ["api/style.css", "api"],
  ],
];
const HASHED = /(?<name>\w+)-\w+(?<suffix>\.\w+)$/u;

/**
 * Builds the pages into `outdir`, in place of what was there.
 *
 * @param {string} outdir
 */
async function buildPages(outdir) {
  const fresh = await mkdtemp(`${outdir}.new-`);
  try {
    const assets = await bundle(fresh);
    for (const page of PAGES) {
      await writePage(fresh, page, assets);
    }
    await compress(fresh);
    await makeReadable(fresh);
    await putInPlace(fresh, outdir);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/**
 * Bundles into `outdir`/assets; gives the path of each asset by its plain name.
 *
 * Each page is bundled by itself: what is fetched later is a file of its own, and nothing else is.
 *
 * @param {string} outdir
 */
async function bundle(outdir) {
  const assets = new Map();
  for (const entryPoints of ENTRIES) {
    const { metafile } = await build({
      absWorkingDir: here,
      entryPoints: entryPoints.map(([name, out]) => ({ in: join(source, name), out })),
      entryNames: "assets/[name]-[hash]",
      chunkNames: "assets/[name]-[hash]",
      outdir,
      bundle: true,
      splitting: true,
      minify: true,
      format: "esm",
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
 * Writes a page with the assets' names put in, and the space between its lines left out.
 *
 * @param {string} outdir
 * @param {string} name
 * @param {ReadonlyMap<string, string>} assets
 */
async function writePage(outdir, name, assets) {
  const template = await readFile(join(source, name), "utf8");
  const page = template.replace(/\{\{(.+?)\}\}/gu, (_, wanted) => {
    const asset = assets.get(wanted);
    if (asset === undefined) {
      throw new Error(`src/${name} asks for ${wanted}, which is not built`);
    }
    return asset;
  });
  await writeFile(join(outdir, name), page.replace(/\n\s*/gu, "\n"));
}

/** @param {string} outdir */
async function compress(outdir) {
  for (const file of await filesIn(outdir)) {
    const packed = await promisify(gzip)(await readFile(file), { level: constants.Z_BEST_COMPRESSION });
    await writeFile(`${file}.gz`, packed);
  }
}

/**
 * The server may run as someone else, whatever the umask of who builds.
 *
 * @param {string} outdir
 */
async function makeReadable(outdir) {
  await chmod(outdir, 0o755);
  await chmod(join(outdir, "assets"), 0o755);
  for (const file of await filesIn(outdir)) {
    await chmod(file, 0o644);
  }
}

/**
 * @param {string} fresh
 * @param {string} outdir
 */
async function putInPlace(fresh, outdir) {
  const old = `${fresh}-old`;
  if (existsSync(outdir)) {
    await rename(outdir, old);
  }
  await rename(fresh, outdir);
  await rm(old, { recursive: true, force: true });
}

/** @param {string} folder */
async function filesIn(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

await buildPages(resolve(argv[2] ?? join(here, "dist")));
