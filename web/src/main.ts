/** Wires the parts: the feed changes the state, and what changed is painted in the next frame. */

import { Address, addressBar } from "./address.ts";
import { archive } from "./archive.ts";
import { Blotter } from "./blotter/blotter.ts";
import { byId } from "./dom.ts";
import { Empty } from "./empty.ts";
import { Feed } from "./feed.ts";
import { Fill } from "./fill.ts";
import { FilterBar } from "./filterbar.ts";
import { NO_FILTERS } from "./filters.ts";
import { rememberFolding } from "./folding.ts";
import { HealthWatch } from "./health.ts";
import { History } from "./history.ts";
import { followPointer, onKey } from "./keys.ts";
import { WorldMap } from "./map/map.ts";
import { closeMenus } from "./menu.ts";
import { Notice } from "./notice.ts";
import { Operations } from "./ops/ops.ts";
import type { Page, Panel, View } from "./page.ts";
import { painter } from "./paint.ts";
import { Pairs } from "./pairs/pairs.ts";
import { Preferences } from "./preferences.ts";
import { Series } from "./series/series.ts";
import { openSocket } from "./socket.ts";
import { Sound } from "./sound.ts";
import { State } from "./state.ts";
import { StatisticsSource } from "./statistics.ts";
import { StatusLine } from "./statusline.ts";
import { Strip } from "./strip.ts";
import type { Timing } from "./timing.ts";

const SECOND_MS = 1000;

const timing: Timing = {
  now: () => Date.now(),
  random: () => Math.random(),
  setTimer: (run, afterMs) => setTimeout(run, afterMs),
  clearTimer: (timer) => clearTimeout(timer),
};
const fetchHere: Page["fetch"] = (path, init) => fetch(path, init);

const state = new State();
const address = new Address(addressBar());
const panels: Panel[] = [];
const repaint = painter(
  () => {
    const now = view();
    for (const panel of panels) {
      panel.paint(now);
    }
  },
  () => state.painted(Date.now()),
);
const preferences = new Preferences(repaint);
const health = new HealthWatch(timing, fetchHere, repaint);
const serverNow = (): number => state.clock.at(timing.now());
const statistics = new StatisticsSource({ timing, fetch: fetchHere, address, serverNow, changed: repaint });
const ask = archive(fetchHere);

function view(): View {
  return {
    state,
    filters: address.filters,
    window: address.window,
    zone: preferences.zone,
    statistics: statistics.latest,
    health: health.latest,
    nowMs: serverNow(),
  };
}

const page: Page = {
  address,
  state,
  timing,
  fetch: fetchHere,
  ask,
  repaint,
  focusOn: (pair) => statistics.focusOn(pair),
};
const statusLine = new StatusLine();
panels.push(
  statusLine,
  new Strip(),
  new Notice(() => {
    state.dismissMisses();
    repaint();
  }),
  new Empty(),
  new FilterBar(page),
  new WorldMap(byId("map", HTMLElement), page),
  new Pairs(byId("pairs", HTMLElement), page),
  new Blotter(page),
  new Operations(byId("ops", HTMLElement), page),
  // The last: letters on a canvas make the browser lay out the page, once a frame where nothing changes after that.
  new Series(byId("series", HTMLElement), page),
);
address.onChange(repaint);
const sound = new Sound();
state.onFresh((fresh) => {
  statistics.add(fresh);
  sound.tick(timing.now());
});

closeMenus();
followPointer();
rememberFolding();
const help = byId("help", HTMLDialogElement);
byId("help-open", HTMLButtonElement).addEventListener("click", () => help.showModal());
onKey("?", () => help.showModal());
const operations = byId("ops-dialog", HTMLDialogElement);
byId("ops-open", HTMLButtonElement).addEventListener("click", () => {
  operations.showModal();
  repaint();
});

const history = new History(timing, ask, NO_FILTERS, (messages) => {
  state.recall(messages);
  repaint();
});
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
  state.trail.sample(state.liveCount);
  statusLine.paintMeters(state);
  // For the seconds until the next try.
  repaint();
}

function showOrHide(): void {
  const isVisible = document.visibilityState === "visible";
  state.show(isVisible);
  health.show(isVisible);
  statistics.show(isVisible);
}

document.addEventListener("visibilitychange", () => {
  showOrHide();
  if (state.visible) {
    retryNow();
    repaint();
  }
});
addEventListener("online", retryNow);
addEventListener("offline", () => feed.lost());

showOrHide();
everySecond();
setInterval(everySecond, SECOND_MS);
feed.start();
history.start();
health.start();
