/** Paths below which a proxy in front serves the page. */

import assert from "node:assert/strict";
import { afterEach, test as it } from "node:test";
import { dialogAddress, parseDialog } from "../src/filters/dialog.ts";
import { fromRoot, withinRoot } from "../src/root.ts";

afterEach(() => {
  globalThis.rootPath = undefined;
});

it("at the root of a host, paths stay as they are", () => {
  assert.equal(fromRoot("/api/stats"), "/api/stats");
  assert.equal(withinRoot("/trade/1"), "/trade/1");
});

it("below a path, each path begins with it", () => {
  globalThis.rootPath = "/tw/";
  assert.equal(fromRoot("/"), "/tw/");
  assert.equal(fromRoot("/api/stats"), "/tw/api/stats");
  assert.equal(withinRoot("/tw/trade/1"), "/trade/1");
  assert.equal(withinRoot("/elsewhere"), "/elsewhere");
});

it("below a path, the address of a dialog leads to the dialog", () => {
  globalThis.rootPath = "/a/b/";
  const address = dialogAddress({ kind: "trade", id: "1" });
  assert.deepEqual(address, { path: "/a/b/trade/1", hash: "" });
  assert.deepEqual(parseDialog(address), { kind: "trade", id: "1" });
});
