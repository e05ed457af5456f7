/** Entry point of the live page: connects the sources to the state, and the state to the panels. */

import { AuditTrail } from "./audit/audit.ts";
import { Blotter } from "./blotter/blotter.ts";
import { EmptyState } from "./blotter/empty-state.ts";
import { FilterBar } from "./filterbar/filter-bar.ts";
import { Address, browserAddressBar } from "./filters/address.ts";
import { followDialogLinks } from "./filters/links.ts";
import { rangeLabel } from "./filters/range.ts";
import { EVERYTHING } from "./filters/selection.ts";
import { Account } from "./login/account.ts";
import { Login } from "./login/login.ts";
import { leaveReason, takeReason } from "./login/provider.ts";
import { WorldMap } from "./map/map.ts";
import { Operations } from "./ops/ops.ts";
import { ownFetch } from "./own-fetch.ts";
import type { Page, Panel, View } from "./page.ts";
import { Pairs } from "./pairs/pairs.ts";
import { fixReferences } from "./root.ts";
import { Series } from "./series/series.ts";
import { archiveQuery } from "./server/archive.ts";
import { stillSince } from "./server/figures-state.ts";
import { HealthPoller } from "./server/health.ts";
import { isProxied } from "./server/identity-proxy.ts";
import { LedgerPoller } from "./server/ledger-poller.ts";
import { isOwnOrigin } from "./server/origin.ts";
import { hasRole, mayWatch, SessionClient } from "./server/session.ts";
import { StallWatch } from "./server/stall.ts";
import { StatsPoller } from "./server/stats-poller.ts";
import type { Timing } from "./server/timing.ts";
import { AlertBar } from "./status/alert-bar.ts";
import { GapNotice } from "./status/gap-notice.ts";
import { Help } from "./status/help.ts";
import { LinkNotice } from "./status/link-notice.ts";
import { StatusLine } from "./status/status-line.ts";
import { VersionNotice } from "./status/version-notice.ts";
import { Feed, type OfflineReason } from "./stream/feed.ts";
import { GapFill } from "./stream/gap-fill.ts";
import { History } from "./stream/history.ts";
import { openSocket } from "./stream/socket.ts";
import { State } from "./stream/state.ts";
import { persistCollapsed } from "./ui/collapse.ts";
import { byId } from "./ui/dom.ts";
import { trackPointer } from "./ui/keys.ts";
import { initMenus } from "./ui/menus.ts";
import { painter } from "./ui/painter.ts";
import { Preferences } from "./ui/preferences.ts";
import { Sound } from "./ui/sound.ts";
import { midnight, minuteAndZone, sinceText } from "./ui/time-format.ts";

const SECOND_MS = 1000;
/** How long the panels wait for the answer to the page's first question before they are built without it. */
const PATIENCE_MS = 100;

const timing: Timing = {
  now: () => Date.now(),
  random: () => Math.random(),
  setTimer: (run, afterMs) => setTimeout(run, afterMs),
  clearTimer: (timer) => clearTimeout(timer),
};
fixReferences();
const state = new State();
if (globalThis.firstAnswer) {
  await Promise.race([globalThis.firstAnswer, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
}
const session = new SessionClient(
  timing,
  ownFetch,
  {
    changed: () => followSession(),
    entered: () => enter(),
    replaced: () => location.reload(),
    leaves: (logout) => location.assign(logout),
    goesOnElsewhere: () => {
      leaveReason("goes-on");
      location.reload();
    },
  },
  takeReason(),
);
session.start(globalThis.firstAnswer);
const fetchFromServer = session.guarded();
const address = new Address(browserAddressBar());
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
/** Whether a viewer was there before. */
let hasStarted = false;
const preferences = new Preferences(repaint);
const health = new HealthPoller(timing, fetchFromServer, repaint);
const serverNow = (): number => state.clock.at(timing.now());
const stats = new StatsPoller({
  timing,
  fetch: fetchFromServer,
  address,
  serverNow,
  today: () => midnight(serverNow(), preferences.zone),
  changed: repaint,
});
preferences.onZone(() => stats.restart());
const ledger = new LedgerPoller({ timing, fetch: fetchFromServer, serverNow, changed: repaint });
const stall = new StallWatch();
const queryArchive = archiveQuery(fetchFromServer);

function view(): View {
  const { filters, range, order, problems, dialog } = address;
  const { zone } = preferences;
  const { connection } = state;
  const stillMs = stillSince(
    stats.latest,
    connection.phase === "live" ? undefined : connection.silentSinceMs,
  );
  const nowMs = serverNow();
  return {
    state,
    filters,
    range,
    order,
    rangeLabel: rangeLabel(range, (ms) => minuteAndZone(ms, zone)),
    problems,
    dialog,
    zone,
    stats: stats.latest,
    health: health.latest,
    ledger: ledger.latest,
    session: session.latest,
    nowMs,
    stalled: connection.phase === "live" ? stall.waiting(health.latest) : undefined,
    stillSince: stillMs === undefined ? "" : sinceText(stillMs, nowMs, zone),
  };
}

const page: Page = {
  address,
  state,
  timing,
  serverNow,
  fetch: fetchFromServer,
  queryArchive,
  repaint,
  focusOn: (pair) => stats.focusOn(pair),
};
const statusLine = new StatusLine();
panels.push(
  statusLine,
  new AlertBar(),
  new LinkNotice(page),
  new VersionNotice(() => location.reload()),
  new GapNotice(() => {
    state.dismissGaps();
    repaint();
  }),
  new Help(page),
  new Login(session, timing.now),
  new Account(session),
  new EmptyState(),
  new FilterBar(page),
  new WorldMap(byId("map", HTMLElement), page),
  new Pairs(byId("pairs", HTMLElement), page),
  new Blotter(page),
  new Operations(byId("ops", HTMLElement), page),
  new AuditTrail(page),
  // Last, because text on a canvas forces a layout: one per frame, if nothing changes the document after it.
  new Series(byId("series", HTMLElement), page),
);
address.onChange(repaint);
const sound = new Sound();
state.onFresh((fresh) => {
  stats.add(fresh);
  sound.tick(timing.now());
});

initMenus();
byId("skip", HTMLButtonElement).addEventListener("click", () => byId("table", HTMLElement).focus());
followDialogLinks(address);
trackPointer();
persistCollapsed();

const history = new History(timing, queryArchive, EVERYTHING, {
  received: (messages) => {
    state.backfill(messages);
    repaint();
  },
  failed: () => {
    state.isBackfillFailing = !state.isBackfilled;
    repaint();
  },
});
const gapFill = new GapFill(timing, queryArchive, state, repaint);
const feed = new Feed(
  { ...timing, open: openSocket, isOwnOrigin: isOwnOrigin(location.origin) },
  state.clock,
  {
    connection: (now) => {
      state.connected(now);
      if (now.phase === "offline" && mayBeLoggedOut(now.reason)) {
        session.check();
      }
      if (now.phase === "live") {
        history.setEnd(now.sinceMs);
      }
      repaint();
    },
    events: (raw) => {
      state.add(raw);
      repaint();
    },
    gap: (gap) => {
      gapFill.fill(gap);
      repaint();
    },
  },
);

/** A script can't see that a proxy in front refuses a connection. */
function mayBeLoggedOut(reason: OfflineReason): boolean {
  return reason === "unauthorized" || (reason === "unreachable" && isProxied());
}

/** A viewer is there, for the first time or again. The page goes on where it was. */
function enter(): void {
  if (hasStarted) {
    retryNow();
  } else {
    hasStarted = true;
    feed.start();
    history.start();
  }
  // Asks for everything anew, as far as the roles allow.
  updateVisibility();
}

function followSession(): void {
  if (!mayWatch(session.latest)) {
    feed.hold();
  }
  ledger.setAllowed(hasRole(session.latest, "monitor", "operator"));
  repaint();
}

function retryNow(): void {
  if (!mayWatch(session.latest)) {
    session.check();
    return;
  }
  feed.retryNow();
  gapFill.retryNow();
}

function everySecond(): void {
  state.rate.sample(Date.now(), state.liveCount);
  state.rateHistory.sample(state.liveCount);
  statusLine.paintMeters(state);
  // Keeps the countdown to the next attempt current.
  repaint();
}

function updateVisibility(): void {
  const isVisible = document.visibilityState === "visible";
  state.setVisible(isVisible);
  health.setVisible(isVisible);
  if (hasStarted) {
    stats.setVisible(isVisible);
  }
  ledger.setVisible(isVisible);
}

document.addEventListener("visibilitychange", () => {
  updateVisibility();
  if (state.visible) {
    retryNow();
    repaint();
  }
});
addEventListener("online", retryNow);
addEventListener("offline", () => feed.networkLost());

ledger.setAllowed(session.latest.phase === "open");
updateVisibility();
everySecond();
setInterval(everySecond, SECOND_MS);
health.start();
