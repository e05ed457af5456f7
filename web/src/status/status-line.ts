/** The line at the top: connection, counts, rate, latency and the state of the queue. */

import type { Panel, View } from "../page.ts";
import type { Health, Tube } from "../server/health.ts";
import { hasRole, type Session } from "../server/session.ts";
import type { Connection, OfflineReason } from "../stream/feed.ts";
import type { State } from "../stream/state.ts";
import { byId, setText } from "../ui/dom.ts";
import { duration, numberFormat, perSecond } from "../ui/format.ts";
import { drawSparkline } from "./sparkline.ts";
import { verdictOf } from "./verdict.ts";

const SPARKLINE_SECONDS = 60;

const wholeNumber = numberFormat();

const PHASE_LABELS: Readonly<Record<Connection["phase"], string>> = {
  connecting: "Connecting…",
  live: "Live",
  offline: "Offline",
};

const REASONS: Readonly<Record<Exclude<OfflineReason, "foreign">, string>> = {
  unreachable: "",
  restarting: "server is restarting, ",
  refused: "connection refused, ",
  full: "too many connections, ",
  unauthorized: "not logged in, ",
};

export class StatusLine implements Panel {
  readonly #state = byId("state", HTMLElement);
  readonly #phase = byId("phase", HTMLElement);
  readonly #detail = byId("detail", HTMLElement);
  readonly #count = byId("count", HTMLElement);
  readonly #rate = byId("rate", HTMLElement);
  readonly #spark = byId("spark", HTMLCanvasElement);
  readonly #latencyLabel = byId("latency-label", HTMLElement);
  readonly #latency = byId("latency", HTMLElement);
  readonly #today = byId("today", HTMLElement);
  readonly #waiting = byId("waiting", HTMLElement);
  readonly #deadLetters = byId("dead-letters", HTMLAnchorElement);
  readonly #verdict = byId("verdict", HTMLAnchorElement);
  #health: Health | undefined;
  #session: Session | undefined;

  /** Call with every frame. */
  paint({ state, stats, health, ledger, session, nowMs, dialog, stalled }: View): void {
    const { phase } = state.connection;
    this.#state.dataset["state"] = stalled === undefined ? phase : "stalled";
    setText(this.#phase, stalled === undefined ? phaseText(state.connection) : stalledText(stalled));
    const verdict = verdictOf(ledger, nowMs);
    setText(this.#verdict, verdict.text);
    this.#verdict.classList.toggle("wrong", verdict.isBad);
    this.#paintRoles(session);
    setText(this.#detail, detail(state, nowMs));
    setText(this.#count, wholeNumber.format(state.count));
    this.#count.dataset["value"] = String(state.count);
    setText(this.#today, formatCount(stats.today?.total.count));
    const title = `${dialog?.kind === "trade" ? `Trade ${dialog.id} · ` : ""}Tradewire · ${phase}`;
    if (document.title !== title) {
      document.title = title;
    }
    if (health !== this.#health) {
      this.#health = health;
      this.#paintHealth(health);
    }
  }

  /** Call once a second: these values would flicker at every frame. */
  paintMeters(state: State): void {
    setText(this.#rate, `${perSecond(state.rate.perSecond)}/s`);
    this.#rate.dataset["value"] = state.rate.perSecond.toFixed(2);
    drawSparkline(this.#spark, state.rateHistory.perSecond, SPARKLINE_SECONDS);
    const latency = state.latency.read();
    if (latency) {
      setText(this.#latency, `${duration(latency.medianMs)} · p99 ${duration(latency.p99Ms)}`);
      const delayed = latency.delayed > 0 ? ` · ${wholeNumber.format(latency.delayed)} delayed` : "";
      setText(this.#latencyLabel, `Latency${delayed}`);
      this.#latency.dataset["median"] = latency.medianMs.toFixed(1);
      this.#latency.dataset["p99"] = latency.p99Ms.toFixed(1);
    }
  }

  /** Leaves out what the reader may not know. */
  #paintRoles(session: Session): void {
    if (session !== this.#session) {
      this.#session = session;
      this.#verdict.hidden = !hasRole(session, "monitor", "operator");
      for (const cell of [this.#waiting, this.#deadLetters]) {
        cell.closest<HTMLElement>(".meter")?.toggleAttribute("hidden", !hasRole(session, "monitor"));
      }
    }
  }

  #paintHealth({ tubes }: Health): void {
    // A trade may wait in every tube, so the sum would count it twice.
    meter(this.#waiting, tubes, ({ waiting }) => waiting, max);
    meter(this.#deadLetters, tubes, ({ deadLetters }) => deadLetters, sum);
    const hasDeadLetters = (tubes ?? []).some(({ deadLetters }) => deadLetters > 0);
    this.#deadLetters.classList.toggle("wrong", hasDeadLetters);
    this.#deadLetters.ariaLabel = `Dead letters: ${this.#deadLetters.textContent}`;
  }
}

/** Shows one count for all tubes, and the count of each in the title. A dash stands for an unknown count. */
function meter(
  cell: HTMLElement,
  tubes: readonly Tube[] | undefined,
  of: (tube: Tube) => number | undefined,
  combine: (counts: readonly number[]) => number,
): void {
  const counts = (tubes ?? []).map(of).filter((count) => count !== undefined);
  setText(cell, formatCount(tubes && counts.length === tubes.length ? combine(counts) : undefined));
  cell.title = tubes?.map((tube) => `${tube.name}: ${formatCount(of(tube))}`).join(", ") ?? "";
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

function max(counts: readonly number[]): number {
  return Math.max(0, ...counts);
}

function formatCount(value: number | undefined): string {
  return value === undefined ? "–" : wholeNumber.format(value);
}

function phaseText(connection: Connection): string {
  const isForeign = connection.phase === "offline" && connection.reason === "foreign";
  return isForeign ? "Address not allowed" : PHASE_LABELS[connection.phase];
}

function stalledText(waiting: number): string {
  const trades = waiting === 1 ? "1 trade waits" : `${wholeNumber.format(waiting)} trades wait`;
  return waiting === 0 ? "Stalled" : `Stalled: ${trades}`;
}

function detail({ connection, filling, announcedGap, clock }: State, nowMs: number): string {
  if (connection.phase === "live" && filling && !announcedGap) {
    return filling.found > 0 ? `catching up, ${wholeNumber.format(filling.found)} so far` : "catching up…";
  }
  if (connection.phase !== "offline") {
    return "";
  }
  const { retryAt, reason } = connection;
  if (reason === "foreign") {
    return "see TRADEWIRE_PUBLIC_URL";
  }
  const seconds = Math.round((clock.at(retryAt) - nowMs) / 1000);
  return `${REASONS[reason]}${seconds < 1 ? "retrying now" : `retrying in ${seconds} s`}`;
}
