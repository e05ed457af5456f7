/** The line at the top: the connection in words, how many, how fast, how late. */

import { byId, setText } from "./dom.ts";
import type { Connection, Refusal } from "./feed.ts";
import { duration, perSecond } from "./format.ts";
import type { Panel, View } from "./page.ts";
import type { State } from "./state.ts";

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
  readonly #latency = byId("latency", HTMLElement);

  /** With every frame. */
  paint({ state }: View): void {
    const { phase } = state.connection;
    this.#state.dataset["state"] = phase;
    setText(this.#phase, WORDS[phase]);
    setText(this.#detail, detail(state, Date.now()));
    setText(this.#count, wholeNumber.format(state.count));
    this.#count.dataset["value"] = String(state.count);
    const title = `Tradewire · ${phase}`;
    if (document.title !== title) {
      document.title = title;
    }
  }

  /** Once a second: what would flicker if it followed every frame. */
  paintMeters(state: State): void {
    setText(this.#rate, `${perSecond(state.rate.perSecond)}/s`);
    this.#rate.dataset["value"] = state.rate.perSecond.toFixed(2);
    const latency = state.latency.read();
    if (latency) {
      setText(this.#latency, `${duration(latency.medianMs)} · p99 ${duration(latency.p99Ms)}`);
      this.#latency.dataset["median"] = latency.medianMs.toFixed(1);
      this.#latency.dataset["p99"] = latency.p99Ms.toFixed(1);
    }
  }
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
