/** Dead letters and the reader's session: an operator who has one needs no token. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { DeadLetterClient } from "../src/ops/dead-letters.ts";
import { remark } from "../src/ops/dead-letters-view.ts";
import type { Session } from "../src/server/session.ts";

const LETTERS = [
  { id: "7", tube: "live", reason: "because", deadLetteredAt: null, event: {} },
  { id: "7", tube: "archive", reason: "because", deadLetteredAt: null, event: {} },
];

function session(changes: Partial<Session>): Session {
  return {
    phase: "in",
    name: "alice",
    roles: [],
    isBusy: false,
    error: "",
    fault: "",
    lockedUntilMs: 0,
    ...changes,
  };
}

it("an operator who is logged in needs no token", async () => {
  const requests: Headers[] = [];
  const client = new DeadLetterClient(
    (_, { headers }) => {
      requests.push(new Headers(headers));
      return Promise.resolve(Response.json({ deadLetters: LETTERS }));
    },
    () => undefined,
  );
  await client.follow(session({ roles: ["viewer", "operator"] }));
  assert.deepEqual([client.latest.phase, client.latest.list.length], ["unlocked", 2]);
  assert.equal(requests[0]?.has("authorization"), false);
  await client.follow(session({ roles: ["viewer", "operator"] }));
  assert.equal(requests.length, 1, "an unchanged session asks for nothing");
  await client.follow(session({ roles: ["viewer"] }));
  assert.deepEqual([client.latest.phase, client.latest.list.length], ["locked", 0]);
  assert.equal(
    remark(client.latest, { status: "ready", components: [], tubes: [], home: "var" }),
    "Dead letters need the role operator.",
  );
  await client.refresh();
  assert.equal(requests.length, 1);
});

it("with open access the token decides", async () => {
  const fetch = () => Promise.resolve(Response.json({ deadLetters: LETTERS }));
  const client = new DeadLetterClient(fetch, () => undefined);
  await client.follow(session({ phase: "open", name: "" }));
  assert.deepEqual([client.latest.phase, client.latest.hasSession], ["locked", false]);
  await client.unlock("secret");
  await client.follow(session({ phase: "open", name: "" }));
  assert.deepEqual([client.latest.phase, client.latest.hasSession], ["unlocked", false]);
});
