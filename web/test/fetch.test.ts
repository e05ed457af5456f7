/** Requests to the server, through a proxy that wants its users to log in. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { withoutRedirects } from "../src/server/fetch.ts";
import { nameAtProxy } from "../src/server/identity-proxy.ts";
import { request } from "../src/server/request.ts";

/** The answer that a browser gives a script in the place of a redirect. */
function redirect(): Response {
  const response = new Response("");
  Object.defineProperty(response, "type", { value: "opaqueredirect" });
  return response;
}

it("a redirect to the login of a proxy counts as a refusal", async () => {
  const followed: (string | undefined)[] = [];
  const fetch = withoutRedirects((_, init) => {
    followed.push(init.redirect);
    return Promise.resolve(redirect());
  });
  const answer = await request(fetch, "/api/session");
  assert.deepEqual([answer.kind, followed], ["unauthorized", ["manual"]]);
});

it("a refusal with a page of a proxy counts as a refusal", async () => {
  const answer = await request(
    () => Promise.resolve(new Response("<html>Log in</html>", { status: 401 })),
    "/api/session",
  );
  assert.equal(answer.kind, "unauthorized");
});

it("an answer without JSON counts as missing", async () => {
  const answer = await request(() => Promise.resolve(new Response("<html>")), "/api/session");
  assert.deepEqual([answer.kind, "status" in answer && answer.status], ["failed", 0]);
});

it("a proxy is asked for JSON, so that it sends no page for its login", async () => {
  let accept: string | null = "";
  await request((_, init) => {
    accept = new Headers(init.headers).get("accept");
    return Promise.resolve(Response.json({}));
  }, "/api/session");
  assert.equal(accept, "application/json");
});

it("a user is shown by the name that the proxy uses", () => {
  assert.deepEqual(["proxy:alice", "alice", "a:proxy:b"].map(nameAtProxy), ["alice", "alice", "a:proxy:b"]);
});
