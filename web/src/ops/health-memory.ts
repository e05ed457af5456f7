/** The last known health of the stack: it stays on the screen, with its time, while the server does not answer. */

import type { View } from "../page.ts";
import type { Health } from "../server/health.ts";
import type { Shown } from "../ui/panel-state.ts";
import { sinceText } from "../ui/time-format.ts";

const READY: Shown = { kind: "ready", text: "" };
const LOADING: Shown = { kind: "loading", text: "Loading…" };
const FAILED: Shown = { kind: "failed", text: "The server does not answer. The page keeps trying." };

export interface KnownHealth {
  /** Undefined before the first answer. */
  readonly known: Health | undefined;
  readonly state: Shown;
}

export class HealthMemory {
  #latest: Health | undefined;
  #known: Health | undefined;
  /** When the server gave the known health, in milliseconds since 1970. */
  #knownMs = 0;

  /** Call with every frame. */
  latest({ health, nowMs, zone }: Pick<View, "health" | "nowMs" | "zone">): KnownHealth {
    const isAnswer = health.status !== "unknown" && health.status !== "unreachable";
    if (isAnswer && health !== this.#latest) {
      this.#known = health;
      this.#knownMs = nowMs;
    }
    this.#latest = health;
    if (isAnswer) {
      return { known: health, state: READY };
    }
    if (!this.#known) {
      return { known: undefined, state: health.status === "unknown" ? LOADING : FAILED };
    }
    const text = `The server does not answer. Unchanged since ${sinceText(this.#knownMs, nowMs, zone)}`;
    return { known: this.#known, state: { kind: "still", text } };
  }
}
