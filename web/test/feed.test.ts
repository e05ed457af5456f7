/** The connection: where it calls, when it comes back, and what it admits to have missed. */

import assert from "node:assert/strict";
import { test as it, mock } from "node:test";
import { type Connection, Feed, type Miss } from "../src/stream/feed.ts";
import { ServerClock } from "../src/stream/server-clock.ts";
import { TEN, World } from "./helpers.ts";

function started() {
  const world = new World();
  const heard = { connections: [] as Connection[], updates: [] as unknown[], misses: [] as Miss[] };
  const clock = new ServerClock();
  const feed = new Feed(world.surroundings, clock, {
    connection: (now) => heard.connections.push(now),
    updates: (raw) => heard.updates.push(...raw),
    missed: (miss) => heard.misses.push(miss),
  });
  feed.start();
  return { world, feed, heard, clock };
}

function why(connection: Connection | undefined): string {
  assert(connection?.phase === "offline");
  return connection.why;
}

it("the first call asks for nothing that was", () => {
  const { world, heard } = started();
  assert.equal(world.socket.path, "/ws");
  assert.deepEqual(heard.connections, [{ phase: "connecting" }]);
});

it("only a hello makes the connection live", () => {
  const { world, heard } = started();
  assert.equal(heard.connections.at(-1)?.phase, "connecting");
  world.socket.hello("e", 1);
  assert.equal(heard.connections.at(-1)?.phase, "live");
});

it("it is live since the server said hello, by the server's clock", () => {
  const { world, heard } = started();
  world.socket.hello("e", 1, false, "2026-11-24T11:00:00.000500Z");
  assert.deepEqual(heard.connections.at(-1), { phase: "live", sinceMs: TEN + 3_600_000.5 });
});

it("a first hello is no miss", () => {
  const { world, heard } = started();
  world.socket.hello("e", 1);
  assert.deepEqual(heard.misses, []);
});

it("it comes back with the epoch and the offset of the last update it got", () => {
  const { world, heard } = started();
  world.socket.hello("a b&c", 5);
  world.socket.send({ offset: 7, updates: ["x", "y"] });
  world.socket.drop();
  world.pass(250);
  assert.equal(world.socket.path, "/ws?epoch=a%20b%26c&offset=7");
  assert.deepEqual(heard.updates, ["x", "y"]);
});

it("a resumed hello does not move the offset past what is still to come", () => {
  const { world } = started();
  world.socket.hello("e", 5);
  world.socket.drop();
  world.pass(250);
  world.socket.hello("e", 90, true);
  world.socket.drop();
  world.pass(250);
  assert.equal(world.socket.path, "/ws?epoch=e&offset=5");
});

it("resumed, nothing was missed", () => {
  const { world, heard } = started();
  world.socket.hello("e", 5);
  world.socket.drop();
  world.pass(250);
  world.socket.hello("e", 5, true);
  assert.deepEqual(heard.misses, []);
});

it("not resumed in a new epoch, it says that the server restarted, and when", () => {
  const { world, heard } = started();
  world.socket.hello("e", 5);
  world.pass(3000);
  world.socket.send({ offset: 6, updates: [] });
  world.pass(1000);
  world.socket.drop();
  world.pass(125);
  world.socket.hello("f", 0);
  assert.deepEqual(heard.misses, [{ since: TEN + 3000, until: TEN + 4125, why: "restarted" }]);
  world.socket.drop();
  world.pass(250);
  assert.equal(world.socket.path, "/ws?epoch=f&offset=0");
});

it("not resumed in the same epoch, it says that the page was away too long", () => {
  const { world, heard } = started();
  world.socket.hello("e", 5);
  world.socket.drop();
  world.pass(250);
  world.socket.hello("e", 500_000);
  assert.equal(heard.misses[0]?.why, "away");
});

it("a gap is a miss, and it continues from the gap's offset", () => {
  const { world, heard } = started();
  world.socket.hello("e", 5);
  world.socket.send({ gap: true, offset: 800 });
  assert.equal(heard.misses[0]?.why, "behind");
  world.socket.drop();
  world.pass(250);
  assert.equal(world.socket.path, "/ws?epoch=e&offset=800");
});

it("delays are drawn from a bound that doubles from 250 ms to 10 s", () => {
  const { world, heard } = started();
  world.chance = 1;
  const delays: number[] = [];
  for (let tries = 0; tries < 8; tries += 1) {
    world.socket.drop();
    const connection = heard.connections.at(-1);
    assert(connection?.phase === "offline");
    delays.push(connection.retryAt - world.nowMs);
    world.pass(10_000);
  }
  assert.deepEqual(delays, [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
});

it("a connection without a hello does not reset the backoff, a hello does", () => {
  const { world, heard } = started();
  const delay = (): number => {
    world.socket.drop();
    const connection = heard.connections.at(-1);
    assert(connection?.phase === "offline");
    const ms = connection.retryAt - world.nowMs;
    world.pass(ms);
    return ms;
  };
  assert.deepEqual([delay(), delay(), delay()], [125, 250, 500]);
  world.socket.hello("e", 1);
  assert.equal(delay(), 125);
});

it("after 1012 it comes back within a second, spread at random", () => {
  const { world, heard } = started();
  world.socket.hello("e", 1);
  world.chance = 0.9;
  world.socket.drop(1012);
  assert.deepEqual(heard.connections.at(-1), { phase: "offline", why: "restarting", retryAt: TEN + 900 });
});

it("it tells a refusal from a server that is full", () => {
  const { world, heard } = started();
  world.socket.drop(1008);
  assert.equal(why(heard.connections.at(-1)), "refused");
  world.pass(1000);
  world.socket.drop(1013);
  assert.equal(why(heard.connections.at(-1)), "full");
});

it("without a hello within 10 s it gives the connection up and calls again", () => {
  const { world } = started();
  const silent = world.socket;
  world.pass(9999);
  assert.equal(silent.closedByPage, false);
  world.pass(1 + 125);
  assert.equal(silent.closedByPage, true);
  assert.equal(world.sockets.length, 2);
});

it("a connection that was given up is not heard any more", () => {
  const { world, heard } = started();
  const silent = world.socket;
  world.pass(10_125);
  silent.hello("late", 1);
  silent.drop();
  assert.equal(heard.connections.at(-1)?.phase, "connecting");
  assert.equal(world.sockets.length, 2);
});

it("a live connection from which nothing was heard for 45 s is given up, and called anew from where it was", () => {
  const { world, heard } = started();
  const dead = world.socket;
  dead.hello("e", 1);
  world.pass(44_999);
  assert.equal(heard.connections.at(-1)?.phase, "live");
  world.pass(1);
  assert.equal(heard.connections.at(-1)?.phase, "offline");
  assert.equal(dead.closedByPage, true);
  world.pass(125);
  assert.equal(world.socket.path, "/ws?epoch=e&offset=1");
});

it("a connection that shows signs of life stays, however little there is to tell", () => {
  const { world, heard } = started();
  world.socket.hello("e", 1);
  for (let signs = 0; signs < 180; signs += 1) {
    world.pass(20_000);
    world.socket.send({ offset: 1, updates: [] });
  }
  assert.equal(heard.connections.at(-1)?.phase, "live");
  assert.equal(world.sockets.length, 1);
  assert.deepEqual(heard.updates, []);
});

it("when the network goes, the connection is given up at once, and one that is awaited already stays so", () => {
  const { world, feed, heard } = started();
  world.socket.hello("e", 1);
  feed.lost();
  assert.equal(heard.connections.at(-1)?.phase, "offline");
  const told = heard.connections.length;
  feed.lost();
  assert.equal(heard.connections.length, told);
  world.pass(125);
  assert.equal(world.sockets.length, 2);
});

it("retryNow calls at once while waiting, and only then", () => {
  const { world, feed } = started();
  feed.retryNow();
  assert.equal(world.sockets.length, 1);
  world.socket.drop();
  feed.retryNow();
  assert.equal(world.sockets.length, 2);
  // The delay that it cut short brings no third.
  world.pass(5000);
  assert.equal(world.sockets.length, 2);
});

it("frames that make no sense are skipped", () => {
  const { world, heard } = started();
  const warn = mock.method(console, "warn", () => undefined);
  world.socket.hello("e", 1);
  const nonsense = ["", "{", "[]", "null", "7", '{"offset":"3","updates":[]}', '{"offset":3}', new Blob()];
  for (const data of nonsense) {
    world.socket.sendRaw(data);
  }
  assert.equal(warn.mock.callCount(), nonsense.length);
  warn.mock.restore();
  assert.deepEqual(heard.updates, []);
  assert.equal(heard.connections.at(-1)?.phase, "live");
});

it("a clock that the handshake can explain is trusted", () => {
  const clock = new ServerClock();
  clock.learn(1005, 1000, 1010);
  assert.equal(clock.at(2000), 2000);
});

it("a clock that is off is corrected by the middle of the handshake", () => {
  const clock = new ServerClock();
  clock.learn(61_005, 1000, 1010);
  assert.equal(clock.at(2000), 62_000);
});
