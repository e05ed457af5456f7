/** The connection to the live server: connecting, resuming, and reporting gaps. */

import assert from "node:assert/strict";
import { test as it, mock } from "node:test";
import { type Connection, Feed, type Gap } from "../src/stream/feed.ts";
import { ServerClock } from "../src/stream/server-clock.ts";
import { FakeEnvironment, TEN } from "./helpers.ts";

function started(isOwnOrigin = true) {
  const env = new FakeEnvironment();
  env.isOwnOrigin = isOwnOrigin;
  const received = { connections: [] as Connection[], events: [] as unknown[], gaps: [] as Gap[] };
  const clock = new ServerClock();
  const feed = new Feed(env.environment, clock, {
    connection: (now) => received.connections.push(now),
    events: (raw) => received.events.push(...raw),
    gap: (gap) => received.gaps.push(gap),
  });
  feed.start();
  return { env, feed, received, clock };
}

function offlineReason(connection: Connection | undefined): string {
  assert(connection?.phase === "offline");
  return connection.reason;
}

it("the first connection does not resume", () => {
  const { env, received } = started();
  assert.equal(env.socket.path, "/ws");
  assert.deepEqual(received.connections, [{ phase: "connecting", silentSinceMs: undefined }]);
});

it("only a hello makes the connection live", () => {
  const { env, received } = started();
  assert.equal(received.connections.at(-1)?.phase, "connecting");
  env.socket.hello("e", 1);
  assert.equal(received.connections.at(-1)?.phase, "live");
});

it("the hello sets the clock, and the connection is live since then by the server's clock", () => {
  const { env, received, clock } = started();
  env.socket.hello("e", 1, false, "2026-11-24T11:00:00.000500Z");
  const sinceMs = TEN + 3_600_000.5;
  assert.deepEqual(received.connections.at(-1), { phase: "live", sinceMs, version: undefined });
  assert.equal(clock.at(env.nowMs), sinceMs);
});

it("the connection is live since the server sent the hello, not since it arrived", () => {
  const { env, received } = started();
  env.advance(100);
  env.socket.hello("e", 1, false, "2026-11-24T10:00:00.040Z");
  assert.deepEqual(received.connections.at(-1), { phase: "live", sinceMs: TEN + 40, version: undefined });
});

it("without a hello there is nothing to resume, even if events came", () => {
  const { env, received } = started();
  env.socket.send({ offset: 7, events: ["x"] });
  env.socket.disconnect();
  env.advance(250);
  assert.deepEqual(received.events, ["x"]);
  assert.equal(env.socket.path, "/ws");
});

it("a first hello is no gap", () => {
  const { env, received } = started();
  env.socket.hello("e", 1);
  assert.deepEqual(received.gaps, []);
});

it("a reconnect sends the epoch and the last offset", () => {
  const { env, received } = started();
  env.socket.hello("a b&c", 5);
  env.socket.send({ offset: 7, events: ["x", "y"] });
  env.socket.disconnect();
  env.advance(250);
  assert.equal(env.socket.path, "/ws?epoch=a%20b%26c&offset=7");
  assert.deepEqual(received.events, ["x", "y"]);
});

it("a resumed hello does not advance the offset past events still to come", () => {
  const { env } = started();
  env.socket.hello("e", 5);
  env.socket.disconnect();
  env.advance(250);
  env.socket.hello("e", 90, true);
  env.socket.disconnect();
  env.advance(250);
  assert.equal(env.socket.path, "/ws?epoch=e&offset=5");
});

it("after a resume there is no gap", () => {
  const { env, received } = started();
  env.socket.hello("e", 5);
  env.socket.disconnect();
  env.advance(250);
  env.socket.hello("e", 5, true);
  assert.deepEqual(received.gaps, []);
});

it("a new epoch is a gap, because the server restarted", () => {
  const { env, received } = started();
  env.socket.hello("e", 5);
  env.advance(3000);
  env.socket.send({ offset: 6, events: [] });
  env.advance(1000);
  env.socket.disconnect();
  env.advance(125);
  env.socket.hello("f", 0);
  assert.deepEqual(received.gaps, [{ since: TEN + 3000, until: TEN + 4125, reason: "restarted" }]);
  env.socket.disconnect();
  env.advance(250);
  assert.equal(env.socket.path, "/ws?epoch=f&offset=0");
});

it("the same epoch without resume is a gap, because the page was away too long", () => {
  const { env, received } = started();
  env.socket.hello("e", 5);
  env.socket.disconnect();
  env.advance(250);
  env.socket.hello("e", 500_000);
  assert.equal(received.gaps[0]?.reason, "away");
});

it("a gap frame is a gap, and moves the offset", () => {
  const { env, received } = started();
  env.socket.hello("e", 5);
  env.socket.send({ gap: true, offset: 800 });
  assert.equal(received.gaps[0]?.reason, "skipped");
  env.socket.disconnect();
  env.advance(250);
  assert.equal(env.socket.path, "/ws?epoch=e&offset=800");
});

it("delays are drawn from a bound that doubles from 250 ms to 10 s", () => {
  const { env, received } = started();
  env.randomValue = 1;
  const delays: number[] = [];
  for (let tries = 0; tries < 8; tries += 1) {
    env.socket.disconnect();
    const connection = received.connections.at(-1);
    assert(connection?.phase === "offline");
    delays.push(connection.retryAt - env.nowMs);
    env.advance(10_000);
  }
  assert.deepEqual(delays, [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
});

it("only a hello resets the backoff", () => {
  const { env, received } = started();
  const delay = (): number => {
    env.socket.disconnect();
    const connection = received.connections.at(-1);
    assert(connection?.phase === "offline");
    const ms = connection.retryAt - env.nowMs;
    env.advance(ms);
    return ms;
  };
  assert.deepEqual([delay(), delay(), delay()], [125, 250, 500]);
  env.socket.hello("e", 1);
  assert.equal(delay(), 125);
});

it("after close code 1012 it reconnects within a second, at a random time", () => {
  const { env, received } = started();
  env.socket.hello("e", 1);
  env.randomValue = 0.9;
  env.socket.disconnect(1012);
  assert.deepEqual(received.connections.at(-1), {
    phase: "offline",
    reason: "restarting",
    retryAt: TEN + 900,
    silentSinceMs: TEN,
  });
});

it("it names the page's origin as the reason if the server refuses it", () => {
  const { env, received } = started(false);
  env.socket.disconnect(1006);
  assert.equal(offlineReason(received.connections.at(-1)), "foreign");
  env.advance(1000);
  env.socket.disconnect(1012);
  assert.equal(offlineReason(received.connections.at(-1)), "restarting");
});

it("it distinguishes a refusal, a full server, and a server that is unreachable or silent", () => {
  const { env, received } = started();
  env.socket.disconnect(1008);
  assert.equal(offlineReason(received.connections.at(-1)), "refused");
  env.advance(1000);
  env.socket.disconnect(1013);
  assert.equal(offlineReason(received.connections.at(-1)), "full");
  env.advance(1000);
  env.socket.disconnect(1006);
  assert.equal(offlineReason(received.connections.at(-1)), "unreachable");
  env.advance(1000);
  env.socket.hello("e", 1);
  env.advance(45_000);
  assert.equal(offlineReason(received.connections.at(-1)), "unreachable");
});

it("without a hello within 10 s it drops the connection and reconnects", () => {
  const { env } = started();
  const silent = env.socket;
  env.advance(9999);
  assert.equal(silent.closedByPage, false);
  env.advance(1 + 125);
  assert.equal(silent.closedByPage, true);
  assert.equal(env.sockets.length, 2);
});

it("messages of a dropped connection are ignored", () => {
  const { env, received } = started();
  const silent = env.socket;
  env.advance(10_125);
  silent.hello("late", 1);
  silent.disconnect();
  assert.equal(received.connections.at(-1)?.phase, "connecting");
  assert.equal(env.sockets.length, 2);
});

it("after 45 s of silence it drops a live connection and resumes", () => {
  const { env, received } = started();
  const dead = env.socket;
  dead.hello("e", 1);
  env.advance(44_999);
  assert.equal(received.connections.at(-1)?.phase, "live");
  env.advance(1);
  assert.equal(received.connections.at(-1)?.phase, "offline");
  assert.equal(dead.closedByPage, true);
  env.advance(125);
  assert.equal(env.socket.path, "/ws?epoch=e&offset=1");
});

it("a connection with heartbeats stays, however long there are no events", () => {
  const { env, received } = started();
  env.socket.hello("e", 1);
  for (let heartbeats = 0; heartbeats < 180; heartbeats += 1) {
    env.advance(20_000);
    env.socket.send({ offset: 1, events: [] });
  }
  assert.equal(received.connections.at(-1)?.phase, "live");
  assert.equal(env.sockets.length, 1);
  assert.deepEqual(received.events, []);
});

it("a lost network drops the connection at once, and does not disturb a pending reconnect", () => {
  const { env, feed, received } = started();
  env.socket.hello("e", 1);
  feed.networkLost();
  assert.equal(received.connections.at(-1)?.phase, "offline");
  const before = received.connections.length;
  feed.networkLost();
  assert.equal(received.connections.length, before);
  env.advance(125);
  assert.equal(env.sockets.length, 2);
});

it("retryNow reconnects at once while waiting, and does nothing otherwise", () => {
  const { env, feed } = started();
  feed.retryNow();
  assert.equal(env.sockets.length, 1);
  env.socket.disconnect();
  feed.retryNow();
  assert.equal(env.sockets.length, 2);
  // The cancelled delay causes no third connection.
  env.advance(5000);
  assert.equal(env.sockets.length, 2);
});

it("invalid frames are skipped", () => {
  const { env, received } = started();
  const warn = mock.method(console, "warn", () => undefined);
  env.socket.hello("e", 1);
  const invalid = ["", "{", "[]", "null", "7", '{"offset":"3","events":[]}', '{"offset":3}', new Blob()];
  for (const data of invalid) {
    env.socket.sendRaw(data);
  }
  assert.equal(warn.mock.callCount(), invalid.length);
  assert.match(String(warn.mock.calls[0]?.arguments[0]), /invalid frame/u);
  warn.mock.restore();
  assert.deepEqual(received.events, []);
  assert.equal(received.connections.at(-1)?.phase, "live");
});

it("a clock that agrees with the handshake is trusted", () => {
  const clock = new ServerClock();
  clock.adjust(1005, 1000, 1010);
  assert.equal(clock.at(2000), 2000);
});

it("a wrong clock is corrected by the middle of the handshake", () => {
  const clock = new ServerClock();
  clock.adjust(61_005, 1000, 1010);
  assert.equal(clock.at(2000), 62_000);
});
