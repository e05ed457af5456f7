/** The browser's WebSocket, address bar and history, on fakes of its globals. */

import assert from "node:assert/strict";
import { afterEach, test as it } from "node:test";
import { browserAddressBar } from "../src/filters/address.ts";
import { openSocket } from "../src/stream/socket.ts";

const added: string[] = [];

/** Defines a global of the browser until the end of the test. */
function setGlobal(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, { configurable: true, value, writable: true });
  added.push(name);
}

const nodeWebSocket: unknown = Reflect.get(globalThis, "WebSocket");

afterEach(() => {
  for (const name of added.splice(0)) {
    Reflect.deleteProperty(globalThis, name);
  }
  if (nodeWebSocket !== undefined) {
    setGlobal("WebSocket", nodeWebSocket);
    added.pop();
  }
});

for (const [protocol, scheme] of [
  ["https:", "wss"],
  ["http:", "ws"],
] as const) {
  it(`a page of ${protocol} opens ${scheme} on its own host, and passes on messages and the close code`, () => {
    const target = Object.assign(new EventTarget(), { url: "" });
    setGlobal("location", { protocol, host: "example:8080" });
    setGlobal("WebSocket", function open(url: string) {
      target.url = url;
      return target;
    });
    const seen: unknown[] = [];
    const handlers = {
      message: (data: unknown) => seen.push(data),
      closed: (code: number) => seen.push(code),
    };
    assert.equal(openSocket("/ws", handlers), target);
    assert.equal(target.url, `${scheme}://example:8080/ws`);
    target.dispatchEvent(Object.assign(new Event("message"), { data: "hello" }));
    target.dispatchEvent(Object.assign(new Event("close"), { code: 4000 }));
    assert.deepEqual(seen, ["hello", 4000]);
  });
}

it("the address bar reads the address, writes it into the history, and tells of Back", () => {
  const steps: unknown[] = [];
  const target = new EventTarget();
  setGlobal("location", { pathname: "/trade/1", search: "?from=EUR", hash: "" });
  setGlobal("history", {
    state: null,
    pushState: (...step: unknown[]) => steps.push(["push", ...step]),
    replaceState: (...step: unknown[]) => steps.push(["replace", ...step]),
    back: () => steps.push(["back"]),
  });
  setGlobal("addEventListener", target.addEventListener.bind(target));
  const bar = browserAddressBar();
  assert.deepEqual(bar.read(), { path: "/trade/1", query: "?from=EUR", hash: "", isAbove: false });
  bar.write({ path: "/", query: "?to=GBP", hash: "#help", isAbove: true }, "new");
  bar.write({ path: "/", query: "", hash: "", isAbove: false }, "same");
  bar.back();
  assert.deepEqual(steps, [
    ["push", { isAbove: true }, "", "/?to=GBP#help"],
    ["replace", { isAbove: false }, "", "/"],
    ["back"],
  ]);
  let moves = 0;
  bar.onMove(() => {
    moves += 1;
  });
  target.dispatchEvent(new Event("popstate"));
  assert.equal(moves, 1);
});
