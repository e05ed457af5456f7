/** The build: suitable for a strict content security policy, and for caching by name. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { execPath } from "node:process";
import { after, before, test as it } from "node:test";
import { createContext, runInContext } from "node:vm";
import { gunzipSync } from "node:zlib";

/** The API serves the document, and nginx itself the settings. */
const SERVED_BY_OTHERS = ["api/openapi.json", "settings.js"];

let folder: string;
let outdir: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "tradewire-build-"));
  outdir = join(folder, "dist");
  buildPage();
});

/** As deploy/setup does. test/run.mjs starts the tests in web/. */
function buildPage(): void {
  execFileSync(execPath, ["build.mjs", outdir], { stdio: "inherit" });
}

after(() => rm(folder, { recursive: true }));

it("assets have a content hash in their names", async () => {
  const names = (await readdir(join(outdir, "assets"))).filter((name) => !name.endsWith(".gz")).sort();
  assert.equal(names.length, 7);
  for (const name of names) {
    assert.match(
      name,
      /^(?:(?:app|api|atlas|opening)-\w{8}\.js|favicon-\w{8}\.svg|(?:style|api)-\w{8}\.css)$/u,
    );
  }
});

it("the first scripts wait for no style sheet", async () => {
  const page = await readFile(join(outdir, "index.html"), "utf8");
  const [opening, style] = [page.indexOf("/opening-"), page.indexOf("/style-")];
  assert(opening > 0 && opening < style);
});

/** A proxy in front may serve the pages below any path, so they refer to their folder. 404.html is for any folder. */
for (const [name, assets] of [
  ["index.html", 6],
  ["trade/index.html", 6],
  ["api.html", 4],
  ["404.html", 3],
] as const) {
  it(`${name} refers to existing files, its assets among them`, async () => {
    const page = await readFile(join(outdir, name), "utf8");
    const written = [...page.matchAll(/(?:src|href)="(?<path>[^"]+)"/gu)].map((match) => match[1] ?? "");
    const references = written.filter((path) => !path.startsWith("#"));
    const paths = references.map((path) => resolve("/", dirname(name), path).slice(1));
    assert.deepEqual(
      references.filter((path) => path.startsWith("/")),
      name === "404.html" ? references : [],
    );
    assert.equal(paths.filter((path) => path.startsWith("assets/")).length, assets);
    for (const path of paths.filter((each) => !SERVED_BY_OTHERS.includes(each))) {
      assert((await stat(join(outdir, path || "index.html"))).isFile());
    }
  });

  it(`${name} has no inline script, style or event handler`, async () => {
    const page = await readFile(join(outdir, name), "utf8");
    assert.doesNotMatch(page, /<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|\{\{/u);
  });
}

it("the scripts write text, never HTML", async () => {
  const names = (await readdir(join(outdir, "assets"))).filter((file) => file.endsWith(".js"));
  for (const name of names) {
    const script = await readFile(join(outdir, "assets", name), "utf8");
    assert.doesNotMatch(
      script,
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|Function\(/u,
    );
  }
});

it("the plain script leaves nothing but its answer in the page's names", async () => {
  const [name = ""] = (await readdir(join(outdir, "assets"))).filter((file) =>
    /^opening-.*\.js$/u.test(file),
  );
  const page = createContext({ access: "open" });
  runInContext(await readFile(join(outdir, "assets", name), "utf8"), page);
  assert.deepEqual(Object.keys(page), ["access"]);
});

it("each file has a compressed copy, readable by all users", async () => {
  const entries = await readdir(outdir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.name.endsWith(".gz"));
  assert.equal(files.length, 11);
  for (const { parentPath, name } of files) {
    const plain = join(parentPath, name);
    assert.deepEqual(gunzipSync(await readFile(`${plain}.gz`)), await readFile(plain));
    assert.equal((await stat(plain)).mode & 0o444, 0o444);
  }
  assert.equal((await stat(outdir)).mode & 0o555, 0o555);
});

it("a build replaces the previous one and leaves nothing beside it", async () => {
  await writeFile(join(outdir, "stale"), "");
  const page = await readFile(join(outdir, "index.html"), "utf8");
  buildPage();
  assert.equal(await readFile(join(outdir, "index.html"), "utf8"), page);
  assert.deepEqual(await readdir(folder), ["dist"]);
  assert(!(await readdir(outdir)).includes("stale"));
});
