/** The line at the top: the connection in words, how many, how fast, how late, and what waits. */

import type { Panel, View } from "../page.ts";
import type { Health, Tube } from "../server/health.ts";
import type { Connection, Refusal } from "../stream/feed.ts";
import type { State } from "../stream/state.ts";
import { byId, setText } from "../ui/dom.ts";
import { duration, perSecond } from "../ui/format.ts";
import { drawSparkline } from "./sparkline.ts";
import { today } from "./today.ts";

const TRAIL_SECONDS = 60;

const wholeNumber = new Intl.NumberFormat();

const WORDS: Readonly<Record<Connection["phase"], string>> = {
  connecting: "Connecting…",
  live: "Live",
  offline: "Offline",
};

const REASONS: Readonly<Record<Refusal, string>> = {
  unreachable: "",
  restarting: "server is restarting, ",
  refused: "server refused this page, ",
  full: "too many pages are open, ",
};

export class StatusLine implements Panel {
  readonly #state = byId("state", HTMLElement);
  readonly #phase = byId("phase", HTMLElement);
  readonly #detail = byId("detail", HTMLElement);
  readonly #count = byId("count", HTMLElement);
  readonly #rate = byId("rate", HTMLElement);
  readonly #spark = byId("spark", HTMLCanvasElement);
  readonly #latency = byId("latency", HTMLElement);
  readonly #today = byId("today", HTMLElement);
  readonly #waiting = byId("waiting", HTMLElement);
  readonly #buried = byId("buried", HTMLElement);
  readonly #browsers = byId("browsers", HTMLElement);
  readonly #processors = byId("processors", HTMLElement);
  #health: Health | undefined;

  /** With every frame. */
  paint({ state, statistics, health, nowMs }: View): void {
    const { phase } = state.connection;
    this.#state.dataset["state"] = phase;
    setText(this.#phase, WORDS[phase]);
    setText(this.#detail, detail(state, Date.now()));
    setText(this.#count, wholeNumber.format(state.count));
    this.#count.dataset["value"] = String(state.count);
    setText(this.#today, figure(today(statistics.days, nowMs)));
    const title = `Tradewire · ${phase}`;
    if (document.title !== title) {
      document.title = title;
    }
    if (health !== this.#health) {
      this.#health = health;
      this.#paintHealth(health);
    }
  }

  /** Once a second: what would flicker if it followed every frame. */
  paintMeters(state: State): void {
    setText(this.#rate, `${perSecond(state.rate.perSecond)}/s`);
    this.#rate.dataset["value"] = state.rate.perSecond.toFixed(2);
    drawSparkline(this.#spark, state.trail.perSecond, TRAIL_SECONDS);
    const latency = state.latency.read();
    if (latency) {
      setText(this.#latency, `${duration(latency.medianMs)} · p99 ${duration(latency.p99Ms)}`);
      this.#latency.dataset["median"] = latency.medianMs.toFixed(1);
      this.#latency.dataset["p99"] = latency.p99Ms.toFixed(1);
    }
  }

  #paintHealth({ tubes, browsers }: Health): void {
    // A trade may wait in each of them: the sum would count it twice.
    meter(this.#waiting, tubes, ({ waiting }) => waiting, most);
    meter(this.#buried, tubes, ({ buried }) => buried, sum);
    meter(this.#processors, tubes, ({ processors }) => processors, sum);
    setText(this.#browsers, figure(browsers));
    const isBuried = (tubes ?? []).some(({ buried }) => buried > 0);
    const isUnwatched = (tubes ?? []).some(({ processors }) => processors === 0);
    this.#buried.classList.toggle("wrong", isBuried);
    this.#processors.classList.toggle("wrong", isUnwatched);
  }
}

/** One figure for all tubes, and in its title what each has; a dash where one is not known. */
function meter(
  cell: HTMLElement,
  tubes: readonly Tube[] | undefined,
  of: (tube: Tube) => number | undefined,
  together: (counts: readonly number[]) => number,
): void {
  const counts = (tubes ?? []).map(of).filter((count) => count !== undefined);
  setText(cell, figure(tubes && counts.length === tubes.length ? together(counts) : undefined));
  cell.title = tubes?.map((tube) => `${tube.name}: ${figure(of(tube))}`).join(", ") ?? "";
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

function most(counts: readonly number[]): number {
  return Math.max(0, ...counts);
}

function figure(value: number | undefined): string {
  return value === undefined ? "–" : wholeNumber.format(value);
}

function detail({ connection, filling, late }: State, nowMs: number): string {
  if (connection.phase === "live" && filling && !late) {
    return filling.found > 0 ? `catching up, ${wholeNumber.format(filling.found)} so far` : "catching up…";
  }
  if (connection.phase !== "offline") {
    return "";
  }
  const seconds = Math.round((connection.retryAt - nowMs) / 1000);
  return `${REASONS[connection.why]}${seconds < 1 ? "retrying now" : `retrying in ${seconds} s`}`;
}
