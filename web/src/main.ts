/** Wires the parts: the feed changes the state, and what changed is painted in the next frame. */

import { Empty } from "./empty.ts";
import { Feed } from "./feed.ts";
import { Notice } from "./notice.ts";
import { painter } from "./paint.ts";
import { openSocket } from "./socket.ts";
import { State } from "./state.ts";
import { StatusLine } from "./statusline.ts";
import { Table } from "./table.ts";
import { followTheme } from "./theme.ts";

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

const feed = new Feed(
  {
    open: openSocket,
    now: () => Date.now(),
    random: () => Math.random(),
    setTimer: (run, afterMs) => setTimeout(run, afterMs),
    clearTimer: (timer) => clearTimeout(timer),
  },
  state.clock,
  {
    connection: (now) => {
      state.connected(now, Date.now());
      repaint();
    },
    updates: (raw) => {
      state.add(raw);
      repaint();
    },
    missed: (miss) => {
      state.miss(miss);
      repaint();
    },
  },
);

function everySecond(): void {
  state.rate.sample(Date.now(), state.count);
  statusLine.paintMeters(state);
  // For the seconds until the next try.
  repaint();
}

document.addEventListener("visibilitychange", () => {
  state.show(document.visibilityState === "visible");
  if (state.visible) {
    feed.retryNow();
    repaint();
  }
});
addEventListener("online", () => feed.retryNow());

state.show(document.visibilityState === "visible");
everySecond();
setInterval(everySecond, SECOND_MS);
feed.start();
