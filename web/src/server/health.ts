/**
 * The stack's health: polls `GET /readyz` every few seconds, and less often while the page is hidden.
 *
 * Each component describes its problem and the effect in words, which the page passes on.
 */

import { isRecord } from "../trade/json.ts";
import type { Fetch } from "./fetch.ts";
import type { Timer, Timing } from "./timing.ts";

const EVERY_MS = 3000;
/** An unhealthy stack is polled more often, to see whether the problem lasts. */
const UNHEALTHY_EVERY_MS = 1500;
const HIDDEN_EVERY_MS = 30_000;
const TIMEOUT_MS = 10_000;

type Facts = Readonly<Record<string, unknown>>;

export interface Component {
  readonly name: string;
  /** `ok`, or a word for the problem. */
  readonly status: string;
  /** The problem and its effect, in words; empty without a problem. */
  readonly detail: string;
  readonly facts: Facts;
}

/** The state of one tube. A job holds one message, or the messages of one batch. */
export interface Tube {
  readonly name: string;
  /** Messages that wait in the tube; undefined if the ledger is unavailable. */
  readonly waiting: number | undefined;
  /** The jobs that hold these messages, reserved ones included. */
  readonly jobs: number;
  readonly deadLetters: number;
  readonly oldestJobAgeSeconds: number;
  readonly consumers: number;
}

/** Replaced with each answer, never changed in place. */
export interface Health {
  /** `unknown` before the first answer, `unreachable` without an answer. */
  readonly status: "unknown" | "unreachable" | "ready" | "degraded" | "not-ready";
  readonly components: readonly Component[];
  /** Undefined if the queue is unavailable. */
  readonly tubes: readonly Tube[] | undefined;
  /** The stack's home, as commands in the project's folder name it. Only monitors are told; others get the default. */
  readonly home: string;
}

const DEFAULT_HOME = "var";
const UNKNOWN: Health = { status: "unknown", components: [], tubes: undefined, home: DEFAULT_HOME };

export class HealthPoller {
  readonly #timing: Timing;
  readonly #fetch: Fetch;
  readonly #changed: () => void;
  #timer: Timer | undefined;
  #visible = true;
  #latest = UNKNOWN;

  constructor(timing: Timing, fetch: Fetch, changed: () => void) {
    this.#timing = timing;
    this.#fetch = fetch;
    this.#changed = changed;
  }

  get latest(): Health {
    return this.#latest;
  }

  start(): void {
    this.#poll();
  }

  setVisible(visible: boolean): void {
    this.#visible = visible;
    if (visible && this.#timer !== undefined) {
      this.#timing.clearTimer(this.#timer);
      this.#timer = undefined;
      this.#poll();
    }
  }

  async #poll(): Promise<void> {
    this.#latest = await this.#fetchHealth();
    this.#changed();
    this.#timer = this.#timing.setTimer(() => {
      this.#timer = undefined;
      this.#poll();
    }, this.#pauseMs);
  }

  get #pauseMs(): number {
    if (!this.#visible) {
      return HIDDEN_EVERY_MS;
    }
    return this.#latest.status === "ready" ? EVERY_MS : UNHEALTHY_EVERY_MS;
  }

  async #fetchHealth(): Promise<Health> {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    try {
      // A 503 means that messages are refused, and its body is valid like that of a 200.
      const response = await this.#fetch("/readyz", { cache: "no-store", signal });
      return parseHealth(await response.json()) ?? { ...UNKNOWN, status: "unreachable" };
    } catch {
      return { ...UNKNOWN, status: "unreachable" };
    }
  }
}

/** Parses a health report. Returns undefined if it is malformed. */
export function parseHealth(answer: unknown): Health | undefined {
  if (!isRecord(answer)) {
    return;
  }
  const { components: listed = {} } = answer; // only monitors get them
  if (!isRecord(listed)) {
    return;
  }
  const status = (["ready", "degraded", "not-ready"] as const).find((known) => known === answer["status"]);
  if (!status) {
    return;
  }
  const components = Object.entries(listed).flatMap(([name, component]) => parseComponent(name, component));
  const facts = (name: string): Facts => components.find((component) => component.name === name)?.facts ?? {};
  return {
    status,
    components,
    tubes: parseTubes(facts("queue")["tubes"], facts("ledger")["tubes"]),
    home: String(facts("programs")["home"] ?? DEFAULT_HOME),
  };
}

function parseComponent(name: string, component: unknown): readonly Component[] {
  if (!isRecord(component) || typeof component["status"] !== "string") {
    return [];
  }
  const { status, detail, ...facts } = component;
  return [{ name, status: component["status"], detail: typeof detail === "string" ? detail : "", facts }];
}

/** The queue counts jobs, the ledger counts messages. */
function parseTubes(tubes: unknown, ledgerTubes: unknown): readonly Tube[] | undefined {
  if (!isRecord(tubes)) {
    return;
  }
  return Object.entries(tubes).flatMap(([name, tube]) => {
    const ledgerTube = isRecord(ledgerTubes) ? ledgerTubes[name] : undefined;
    return isRecord(tube) ? [parseTube(name, tube, isRecord(ledgerTube) ? ledgerTube : {})] : [];
  });
}

function parseTube(name: string, tube: Facts, ledgerTube: Facts): Tube {
  return {
    name,
    waiting: number(ledgerTube["waiting"]),
    jobs: (number(tube["ready"]) ?? 0) + (number(tube["reserved"]) ?? 0),
    deadLetters: number(tube["deadLetters"]) ?? 0,
    oldestJobAgeSeconds: number(tube["oldestJobAgeSeconds"]) ?? 0,
    consumers: number(tube["consumers"]) ?? 0,
  };
}

function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
