/** Wires the parts: the feed changes the state, and what changed is painted in the next frame. */

import { archive } from "./archive.ts";
import { Empty } from "./empty.ts";
import { Feed } from "./feed.ts";
import { Fill } from "./fill.ts";
import { History } from "./history.ts";
import { Notice } from "./notice.ts";
import { painter } from "./paint.ts";
import { openSocket } from "./socket.ts";
import { State } from "./state.ts";
import { StatusLine } from "./statusline.ts";
import { Table } from "./table.ts";
import { followTheme } from "./theme.ts";
import type { Timing } from "./timing.ts";

const SECOND_MS = 1000;

followTheme();

const state = new State();
const statusLine = new StatusLine();
const empty = new Empty();
const repaint = painter(
  () => {
    statusLine.paint(state, Date.now());
    notice.paint(state);
    empty.paint(state);
    table.paint(state);
  },
  () => state.painted(Date.now()),
);
const table = new Table(repaint);
const notice = new Notice(() => {
  state.dismissMisses();
  repaint();
});

const timing: Timing = {
  now: () => Date.now(),
  random: () => Math.random(),
  setTimer: (run, afterMs) => setTimeout(run, afterMs),
  clearTimer: (timer) => clearTimeout(timer),
};
const ask = archive((path, init) => fetch(path, init));
const history = new History(timing, ask, state, repaint);
const fill = new Fill(timing, ask, state, repaint);
const feed = new Feed({ ...timing, open: openSocket }, state.clock, {
  connection: (now) => {
    state.connected(now);
    if (now.phase === "live") {
      history.endsAt(now.sinceMs);
    }
    repaint();
  },
  updates: (raw) => {
    state.add(raw);
    repaint();
  },
  missed: (miss) => {
    fill.cover(miss);
    repaint();
  },
});

function retryNow(): void {
  feed.retryNow();
  fill.retryNow();
}

function everySecond(): void {
  state.rate.sample(Date.now(), state.liveCount);
  statusLine.paintMeters(state);
  // For the seconds until the next try.
  repaint();
}

document.addEventListener("visibilitychange", () => {
  state.show(document.visibilityState === "visible");
  if (state.visible) {
    retryNow();
    repaint();
  }
});
addEventListener("online", retryNow);

state.show(document.visibilityState === "visible");
everySecond();
setInterval(everySecond, SECOND_MS);
feed.start();
history.start();
