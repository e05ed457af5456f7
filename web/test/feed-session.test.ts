/** The feed without a session: it keeps its position. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { type Connection, Feed, type Gap } from "../src/stream/feed.ts";
import { ServerClock } from "../src/stream/server-clock.ts";
import { FakeEnvironment } from "./helpers.ts";

function started() {
  const env = new FakeEnvironment();
  const received = { connections: [] as Connection[], events: [] as unknown[], gaps: [] as Gap[] };
  const feed = new Feed(env.environment, new ServerClock(), {
    connection: (now) => received.connections.push(now),
    events: (raw) => received.events.push(...raw),
    gap: (gap) => received.gaps.push(gap),
  });
  feed.start();
  return { env, feed, received };
}

it("a browser that must log in again tries no more until it may, and then resumes where it was", () => {
  const { env, feed, received } = started();
  env.socket.hello("e", 5);
  env.socket.send({ offset: 7, events: ["x"] });
  env.socket.disconnect(4401);
  const last = received.connections.at(-1);
  assert.equal(last?.phase === "offline" && last.reason, "unauthorized");
  feed.hold();
  env.advance(600_000);
  assert.equal(env.sockets.length, 1);
  feed.retryNow();
  assert.equal(env.socket.path, "/ws?epoch=e&offset=7");
  env.socket.hello("e", 9, true);
  assert.deepEqual(received.gaps, []);
});

it("a feed that the server wants anew is replaced at once, and the reader sees nothing of it", () => {
  const { env, received } = started();
  env.socket.hello("e", 5);
  env.socket.send({ offset: 7, events: ["x"] });
  const before = received.connections.length;
  env.socket.disconnect(1012, "connect again");
  assert.deepEqual([env.sockets.length, env.socket.path], [2, "/ws?epoch=e&offset=7"]);
  env.socket.hello("e", 9, true);
  env.socket.send({ offset: 9, events: ["y"] });
  assert.deepEqual(received.events, ["x", "y"]);
  assert.deepEqual([received.connections.length, received.gaps], [before, []]);
  env.socket.disconnect(1012, "connect again");
  assert.equal(env.sockets.length, 3);
  env.socket.hello("e", 9, true);
  assert.equal(received.connections.length, before);
});

it("a feed that can not be replaced is offline, as after any other close", () => {
  for (const fail of [
    (env: FakeEnvironment) => env.socket.disconnect(),
    (env: FakeEnvironment) => env.socket.disconnect(4401),
    (env: FakeEnvironment) => env.socket.disconnect(1012, "connect again"),
    (env: FakeEnvironment) => env.advance(10_000),
  ]) {
    const { env, received } = started();
    env.socket.hello("e", 5);
    env.socket.disconnect(1012, "connect again");
    fail(env);
    assert.equal(received.connections.at(-1)?.phase, "offline");
    env.advance(10_000);
    env.socket.hello("e", 5, true);
    assert.equal(received.connections.at(-1)?.phase, "live");
  }
});

it("a feed that comes back without what it missed says so", () => {
  const { env, received } = started();
  env.socket.hello("e", 5);
  const before = received.connections.length;
  env.socket.disconnect(1012, "connect again");
  env.socket.hello("f", 0);
  assert.equal(received.gaps[0]?.reason, "restarted");
  assert.equal(received.connections.length, before + 1);
});

it("a live feed goes on without a session, until the server closes it", () => {
  const { env, feed, received } = started();
  env.socket.hello("e", 5);
  feed.hold();
  env.socket.send({ offset: 6, events: ["x"] });
  assert.deepEqual(received.events, ["x"]);
  env.advance(44_000);
  assert.equal(received.connections.at(-1)?.phase, "live");
});
