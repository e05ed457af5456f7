/** Wires the parts: the feed changes the state, and what changed is painted in the next frame. */

import { Blotter } from "./blotter/blotter.ts";
import { Empty } from "./blotter/empty-state.ts";
import { FilterBar } from "./filterbar/filter-bar.ts";
import { Address, addressBar } from "./filters/address.ts";
import { NO_FILTERS } from "./filters/filters.ts";
import { WorldMap } from "./map/map.ts";
import { Operations } from "./ops/ops.ts";
import type { Page, Panel, View } from "./page.ts";
import { Pairs } from "./pairs/pairs.ts";
import { Series } from "./series/series.ts";
import { archive } from "./server/archive.ts";
import { HealthWatch } from "./server/health.ts";
import { StatisticsSource } from "./server/stats-poller.ts";
import type { Timing } from "./server/timing.ts";
import { Strip } from "./status/alert-bar.ts";
import { Notice } from "./status/gap-notice.ts";
import { StatusLine } from "./status/status-line.ts";
import { Feed } from "./stream/feed.ts";
import { Fill } from "./stream/gap-fill.ts";
import { History } from "./stream/history.ts";
import { openSocket } from "./stream/socket.ts";
import { State } from "./stream/state.ts";
import { rememberFolding } from "./ui/collapse.ts";
import { byId } from "./ui/dom.ts";
import { followPointer, onKey } from "./ui/keys.ts";
import { closeMenus } from "./ui/menus.ts";
import { painter } from "./ui/painter.ts";
import { Preferences } from "./ui/preferences.ts";
import { Sound } from "./ui/sound.ts";

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
