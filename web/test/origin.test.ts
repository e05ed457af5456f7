/** The page's origin, compared with the server's own. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { isOwnOrigin } from "../src/server/origin.ts";

function own(origin: string, namedHost: string | undefined, publicOrigin = ""): boolean {
  globalThis.namedHost = namedHost;
  globalThis.publicOrigin = publicOrigin;
  try {
    return isOwnOrigin(origin);
  } finally {
    globalThis.namedHost = undefined;
    globalThis.publicOrigin = undefined;
  }
}

it("a page whose host and port the server sees is its own, whatever the scheme", () => {
  assert(own("http://127.0.0.1:8080", "127.0.0.1:8080"));
  assert(own("https://trades.example", "trades.example"));
  assert(own("https://[2001:db8::1]:8443", "[2001:db8::1]:8443"));
});

it("a page at the public address is the server's own, whatever host the proxy names", () => {
  assert(own("https://trades.example", "127.0.0.1:8080", "https://trades.example"));
});

it("any other page is foreign", () => {
  assert(!own("https://trades.example", "127.0.0.1:8080"));
  assert(!own("https://trades.example:8443", "trades.example"));
  assert(!own("http://trades.example", "127.0.0.1:8080", "https://trades.example"));
  assert(!own("https://trades.example", ""));
});

it("a page that does not know which host the server sees takes itself for its own", () => {
  assert(own("https://trades.example", undefined));
});
