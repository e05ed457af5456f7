/** The session: the user, logging in and out, and what the page asks for meanwhile. */

import assert from "node:assert/strict";
import { afterEach, test as it } from "node:test";
import { hasRole, mayWatch, SessionClient } from "../src/server/session.ts";
import { FakeEnvironment, flushPromises } from "./helpers.ts";

const ALICE = { name: "alice", roles: ["operator", "viewer"] };

function refusal(detail: string, code = "x"): object {
  return { status: "FAILED", errors: [{ field: null, code, detail }] };
}

/** A server with one session at most, and a page that asks it. */
class Scene {
  readonly env = new FakeEnvironment();
  readonly requests: string[] = [];
  readonly bodies: unknown[] = [];
  readonly calls: string[] = [];
  who: object | undefined;
  /** The answer to a logout. */
  left: object = { ended: 1 };
  isAway = false;
  /** The sentence with which the server refuses a user without a role. */
  denial: string | undefined;
  /** The sentence with which the server says that it can't tell whether the session is valid. */
  doubt: string | undefined;
  loginAnswer: () => Response = () => Response.json(ALICE);
  readonly session: SessionClient;

  constructor(access = "keys") {
    globalThis.access = access;
    this.session = new SessionClient(this.env.environment, (path, init) => this.#answer(path, init), {
      changed: () => undefined,
      entered: () => this.calls.push("entered"),
      replaced: () => this.calls.push("replaced"),
      leaves: (address) => this.calls.push(address),
      goesOnElsewhere: () => this.calls.push("goes on elsewhere"),
    });
  }

  async start(): Promise<this> {
    this.session.start();
    await flushPromises();
    return this;
  }

  #answer(path: string, { method = "GET", body }: RequestInit): Promise<Response> {
    this.requests.push(`${method} ${path}`);
    if (this.isAway) {
      return Promise.reject(new TypeError("Failed to fetch"));
    }
    if (method === "POST") {
      this.bodies.push(JSON.parse(String(body)));
      const answer = this.loginAnswer();
      this.who = answer.ok ? ALICE : this.who;
      return Promise.resolve(answer);
    }
    if (this.denial !== undefined) {
      return Promise.resolve(Response.json(refusal(this.denial), { status: 403 }));
    }
    if (this.doubt !== undefined) {
      return Promise.resolve(Response.json(refusal(this.doubt, "unconfirmed"), { status: 503 }));
    }
    const isIn = this.who !== undefined;
    if (method === "DELETE") {
      this.who = undefined;
    }
    return Promise.resolve(
      isIn ? Response.json(this.who ?? this.left) : Response.json(refusal("Log in."), { status: 401 }),
    );
  }
}

afterEach(() => {
  globalThis.access = undefined;
});

it("with open access nothing is asked, and the page begins at once", async () => {
  const { session, requests, calls } = new Scene("open");
  session.start();
  assert.deepEqual(calls, []);
  await flushPromises();
  assert.deepEqual([session.latest.phase, requests, calls], ["open", [], ["entered"]]);
  assert.equal(hasRole(session.latest, "operator"), true);
  await session.check();
  assert.deepEqual(requests, []);
});

it("a reader with a session enters", async () => {
  const scene = new Scene();
  scene.who = ALICE;
  const { session, calls } = await scene.start();
  assert.deepEqual([session.latest.phase, session.latest.name, calls], ["in", "alice", ["entered"]]);
  assert.equal(hasRole(session.latest, "operator"), true);
  assert.equal(hasRole(session.latest, "monitor", "exporter"), false);
});

it("the page's first question is not asked again, and its answer comes after the page is built", async () => {
  const { session, requests, calls } = new Scene();
  session.start(Promise.resolve({ kind: "ok", body: ALICE }));
  assert.deepEqual(calls, []);
  await flushPromises();
  assert.deepEqual([session.latest.name, requests, calls], ["alice", [], ["entered"]]);
});

it("a reader without a session logs in, and then enters", async () => {
  const { session, calls, bodies } = await new Scene().start();
  assert.deepEqual([session.latest.phase, calls], ["out", []]);
  await session.logIn("alice", "secret");
  assert.deepEqual(bodies, [{ name: "alice", password: "secret" }]);
  assert.deepEqual([session.latest.phase, calls], ["in", ["entered"]]);
});

it("a wrong password is said in the server's words", async () => {
  const scene = await new Scene().start();
  scene.loginAnswer = () => Response.json(refusal("The name or the password is wrong."), { status: 401 });
  await scene.session.logIn("alice", "wrong");
  const { phase, error, isBusy } = scene.session.latest;
  assert.deepEqual([phase, error, isBusy], ["out", "The name or the password is wrong.", false]);
});

it("after too many attempts none is sent until the time is over", async () => {
  const scene = await new Scene().start();
  const { session, env, bodies } = scene;
  scene.loginAnswer = () => Response.json({}, { status: 429, headers: { "retry-after": "8" } });
  await session.logIn("alice", "x");
  assert.equal(session.latest.error, "Too many attempts to log in have failed.");
  assert.equal(session.latest.lockedUntilMs, env.nowMs + 8000);
  scene.loginAnswer = () => Response.json(ALICE);
  env.advance(7999);
  await session.logIn("alice", "x");
  assert.equal(bodies.length, 1);
  env.advance(1);
  await session.logIn("alice", "x");
  assert.equal(session.latest.phase, "in");
});

it("a server that is away is asked again and again", async () => {
  const scene = new Scene();
  scene.isAway = true;
  const { session, env } = await scene.start();
  assert.equal(session.latest.phase, "away");
  scene.isAway = false;
  scene.who = ALICE;
  env.advance(3000);
  await flushPromises();
  assert.equal(session.latest.phase, "in");
});

it("a session that its provider has not confirmed lately says so, and goes on when it is confirmed", async () => {
  const scene = new Scene();
  scene.doubt = "sso.example has not confirmed the session lately.";
  const { session, env } = await scene.start();
  assert.deepEqual([session.latest.phase, session.latest.fault], ["away", scene.doubt]);
  scene.doubt = undefined;
  scene.isAway = true;
  env.advance(3000);
  await flushPromises();
  assert.deepEqual([session.latest.phase, session.latest.fault], ["away", "The server does not answer."]);
  scene.isAway = false;
  scene.who = ALICE;
  env.advance(3000);
  await flushPromises();
  assert.equal(session.latest.phase, "in");
});

it("a session goes on while the server is away", async () => {
  const scene = new Scene();
  scene.who = ALICE;
  const { session } = await scene.start();
  scene.isAway = true;
  await session.check();
  assert.equal(session.latest.phase, "in");
});

it("after a 401 the page asks for the user, and keeps the name for the next log-in", async () => {
  const scene = new Scene();
  scene.who = ALICE;
  const { session, calls } = await scene.start();
  const guarded = session.guarded();
  scene.who = undefined;
  await guarded("/api/stats", {});
  await flushPromises();
  assert.deepEqual([session.latest.phase, session.latest.name], ["out", "alice"]);
  await session.logIn("alice", "secret");
  assert.deepEqual(calls, ["entered", "entered"]);
});

it("without a session, requests wait for it, and the health is asked for all the same", async () => {
  const scene = await new Scene().start();
  const { session, requests } = scene;
  const guarded = session.guarded();
  const answer = guarded("/api/stats", {});
  const timedOut = guarded("/api/messages", { signal: AbortSignal.abort(new Error("too late")) });
  await guarded("/readyz", {});
  assert.deepEqual(requests, ["GET /api/session", "GET /readyz"]);
  await session.logIn("alice", "secret");
  assert.equal((await answer).status, 200);
  assert.deepEqual(requests.slice(2), ["POST /api/session", "GET /api/stats"]);
  await assert.rejects(timedOut, /too late/u);
});

it("another user gets a new page", async () => {
  const scene = new Scene();
  scene.who = { name: "bob", roles: ["viewer"] };
  const { session, calls } = await scene.start();
  scene.who = undefined;
  await session.check();
  await session.logIn("alice", "secret");
  assert.deepEqual(calls, ["entered", "replaced"]);
});

it("a user without the role viewer does not enter before it is given", async () => {
  const scene = new Scene();
  scene.who = { name: "alice", roles: ["operator"] };
  const { session, calls, env } = await scene.start();
  assert.deepEqual([session.latest.phase, mayWatch(session.latest), calls], ["in", false, []]);
  scene.who = ALICE;
  env.advance(10_000);
  await flushPromises();
  assert.deepEqual([mayWatch(session.latest), calls], [true, ["entered"]]);
});

it("logging out leaves nothing of the page, and a failure is said", async () => {
  const scene = new Scene();
  scene.who = ALICE;
  const { session, calls, requests } = await scene.start();
  scene.isAway = true;
  await session.logOut(false);
  assert.equal(session.latest.error, "You are still logged in. The logout did not reach the server.");
  scene.isAway = false;
  await session.logOut(true);
  assert.deepEqual([calls, requests.at(-1)], [["entered", "replaced"], "DELETE /api/session?everywhere"]);
});

it("logging out while the provider is away leaves nothing of the page, and tells it that the login goes on there", async () => {
  const scene = new Scene();
  scene.who = ALICE;
  const { session, calls } = await scene.start();
  scene.left = { ended: 1, goesOnAt: "id.firm.example" };
  await session.logOut(false);
  assert.deepEqual(calls, ["entered", "goes on elsewhere"]);
  scene.who = ALICE;
  scene.left = { ended: 1, continueAt: "https://id.firm.example/end" };
  await session.logOut(false);
  assert.equal(calls.at(-1), "https://id.firm.example/end");
});

// With a proxy in front that logs people in.

it("with a proxy the page asks who its reader is, and waits for the login there", async () => {
  const scene = await new Scene("proxy").start();
  const { session, env, calls } = scene;
  assert.deepEqual([session.latest.phase, calls], ["out", []]);
  scene.who = { name: "proxy:alice", roles: ["viewer"] };
  env.advance(10_000);
  await flushPromises();
  assert.deepEqual([session.latest.phase, session.latest.name, calls], ["in", "proxy:alice", ["entered"]]);
});

it("a user without a role reads why in the server's words", async () => {
  const scene = new Scene("proxy");
  scene.denial = "proxy:bob is in no group that has a role.";
  const { session, env, calls } = await scene.start();
  assert.deepEqual([session.latest.phase, session.latest.error], ["in", scene.denial]);
  assert.deepEqual([mayWatch(session.latest), calls], [false, []]);
  scene.denial = undefined;
  scene.who = ALICE;
  env.advance(10_000);
  await flushPromises();
  assert.deepEqual([session.latest.error, calls], ["", ["entered"]]);
});

it("a login that ends at the proxy covers the page, and the next one goes on", async () => {
  const scene = new Scene("proxy");
  scene.who = ALICE;
  const { session, calls } = await scene.start();
  scene.who = undefined;
  await session.guarded()("/api/stats", {});
  await flushPromises();
  assert.equal(session.latest.phase, "out");
  scene.who = ALICE;
  await session.check();
  assert.deepEqual(calls, ["entered", "entered"]);
});
