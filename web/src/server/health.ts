/**
 * How the stack stands, as `GET /readyz` tells it: asked every few seconds, and less often when no one looks.
 *
 * Each part says in words what is wrong with it and what that means; the page gives these words on.
 */

import { isRecord } from "../trade/event.ts";
import type { Fetch } from "./fetch.ts";
import type { Timer, Timing } from "./timing.ts";

const EVERY_MS = 3000;
/** Trouble is looked at again sooner: whether it lasts, and whether it is over. */
const TROUBLED_EVERY_MS = 1500;
const HIDDEN_EVERY_MS = 30_000;
const ANSWER_WITHIN_MS = 10_000;

type Facts = Readonly<Record<string, unknown>>;

export interface Part {
  readonly name: string;
  /** `OK`, or a word for what is wrong. */
  readonly status: string;
  /** What is wrong, and what it means; empty where nothing is. */
  readonly detail: string;
  readonly facts: Facts;
}

/** How one tube stands. A job holds one message, or those of a batch. */
export interface Tube {
  readonly name: string;
  /** Messages to be settled; undefined where the ledger can't be drawn up. */
  readonly waiting: number | undefined;
  /** The jobs that they are in, those that a processor has in hand among them. */
  readonly jobs: number;
  readonly buried: number;
  readonly oldestSeconds: number;
  readonly processors: number;
}

/** Replaced with each answer, never changed in place. */
export interface Health {
  /** `unknown` until the first answer, `unreachable` where none comes. */
  readonly status: "unknown" | "unreachable" | "ready" | "degraded" | "not ready";
  readonly parts: readonly Part[];
  /** Undefined where the queue can't be asked. */
  readonly tubes: readonly Tube[] | undefined;
  readonly browsers: number | undefined;
}

const UNKNOWN: Health = { status: "unknown", parts: [], tubes: undefined, browsers: undefined };

export class HealthWatch {
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
    this.#ask();
  }

  show(visible: boolean): void {
    this.#visible = visible;
    if (visible && this.#timer !== undefined) {
      this.#timing.clearTimer(this.#timer);
      this.#timer = undefined;
      this.#ask();
    }
  }

  async #ask(): Promise<void> {
    this.#latest = await this.#answer();
    this.#changed();
    this.#timer = this.#timing.setTimer(() => {
      this.#timer = undefined;
      this.#ask();
    }, this.#pauseMs);
  }

  get #pauseMs(): number {
    if (!this.#visible) {
      return HIDDEN_EVERY_MS;
    }
    return this.#latest.status === "ready" ? EVERY_MS : TROUBLED_EVERY_MS;
  }

  async #answer(): Promise<Health> {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    try {
      // 503 says that messages are refused, and why: an answer like any other.
      const response = await this.#fetch("/readyz", { cache: "no-store", signal });
      return parseHealth(await response.json()) ?? { ...UNKNOWN, status: "unreachable" };
    } catch {
      return { ...UNKNOWN, status: "unreachable" };
    }
  }
}

/** The health in an answer, or undefined when it is none. */
export function parseHealth(answer: unknown): Health | undefined {
  if (!(isRecord(answer) && isRecord(answer["parts"]))) {
    return;
  }
  const status = (["ready", "degraded", "not ready"] as const).find((known) => known === answer["status"]);
  if (!status) {
    return;
  }
  const parts = Object.entries(answer["parts"]).flatMap(([name, part]) => parsePart(name, part));
  const facts = (name: string): Facts => parts.find((part) => part.name === name)?.facts ?? {};
  return {
    status,
    parts,
    tubes: parseTubes(facts("queue")["tubes"], facts("ledger")["tubes"]),
    browsers: number(facts("wsserver")["browsers"]),
  };
}

function parsePart(name: string, part: unknown): readonly Part[] {
  if (!isRecord(part) || typeof part["status"] !== "string") {
    return [];
  }
  const { status, detail, ...facts } = part;
  return [{ name, status: part["status"], detail: typeof detail === "string" ? detail : "", facts }];
}

/** The queue counts jobs, and the ledger messages. */
function parseTubes(tubes: unknown, accounts: unknown): readonly Tube[] | undefined {
  if (!isRecord(tubes)) {
    return;
  }
  return Object.entries(tubes).flatMap(([name, tube]) => {
    const account = isRecord(accounts) ? accounts[name] : undefined;
    return isRecord(tube) ? [parseTube(name, tube, isRecord(account) ? account : {})] : [];
  });
}

function parseTube(name: string, tube: Facts, account: Facts): Tube {
  return {
    name,
    waiting: number(account["waiting"]),
    jobs: (number(tube["ready"]) ?? 0) + (number(tube["reserved"]) ?? 0),
    buried: number(tube["buried"]) ?? 0,
    oldestSeconds: number(tube["oldest_seconds"]) ?? 0,
    processors: number(tube["consumers"]) ?? 0,
  };
}

function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
