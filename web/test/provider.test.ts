/** The login at a provider: where the page sends the browser, and what it says when the browser comes back without a session. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test as it } from "node:test";
import { loginPath, reasonIn } from "../src/login/provider.ts";
import { displayName } from "../src/server/session.ts";

const HOST = "id.firm.example";

it("the browser comes back to where it was", () => {
  assert.equal(loginPath("/trade/x?q=a&b"), "/api/session/login?return=%2Ftrade%2Fx%3Fq%3Da%26b");
  assert.equal(loginPath(`/?q=${"x".repeat(2000)}`), "/api/session/login?return=%2F");
});

it("every reason that the documents name has a sentence, and nothing else has", () => {
  const documented = [...readFileSync("../docs/oidc.md", "utf8").matchAll(/^\| `#login=([a-z-]+)` \|/gmu)];
  assert.ok(documented.length > 5);
  for (const [, reason] of documented) {
    assert.match(reasonIn(`#login=${reason}`, HOST) ?? "", /^[A-Zi].+\.$/u);
  }
  assert.match(reasonIn("#login=denied", HOST) ?? "", /^id\.firm\.example /u);
  for (const hash of ["", "#", "#login=", "#login=<b>", "#login=toString", "#other"]) {
    assert.equal(reasonIn(hash, HOST), undefined, hash);
  }
});

it("a person of a provider is called as people know the person", () => {
  assert.equal(displayName("oidc:alice@firm.example~0123456789ab"), "alice@firm.example");
  assert.equal(displayName("alice"), "alice");
});
