/**
 * What could not be handled: listed, put back and deleted with the operator's token.
 *
 * The token is kept here and nowhere else: it is gone with the page, and as soon as the server refuses it.
 */

import type { Fetch } from "../server/fetch.ts";
import { isRecord, parseMicros } from "../trade/event.ts";
import { type Answer, ask } from "./request.ts";

/** The most of each tube that the server lists. */
export const LISTED_MAX = 100;
/** What a header can carry; anything else is no token. */
const TOKEN = /^[\x21-\x7e]+$/u;

export interface Burial {
  /** Different for each; an id is one within its tube. */
  readonly key: string;
  readonly tube: string;
  readonly id: number;
  readonly reason: string;
  /** Milliseconds since 1970; undefined where someone buried it by hand. */
  readonly buriedMs: number | undefined;
  /** As text: the JSON in lines, anything else as it came. */
  readonly body: string;
}

/** Replaced when something changes, never changed in place. */
export interface Burials {
  readonly phase: "locked" | "opening" | "open";
  readonly list: readonly Burial[];
  /** Keys of those that are being put back or deleted. */
  readonly busy: ReadonlySet<string>;
  /** What was done last. */
  readonly done: string;
  /** What went wrong; empty where nothing did. */
  readonly trouble: string;
}

const LOCKED: Burials = { phase: "locked", list: [], busy: new Set(), done: "", trouble: "" };

export class Graveyard {
  readonly #fetch: Fetch;
  readonly #changed: () => void;
  #token = "";
  #latest = LOCKED;
  /** Counts what changes the list, so that an answer from before is not taken for one from after. */
  #age = 0;

  constructor(fetch: Fetch, changed: () => void) {
    this.#fetch = fetch;
    this.#changed = changed;
  }

  get latest(): Burials {
    return this.#latest;
  }

  async open(token: string): Promise<void> {
    if (!TOKEN.test(token)) {
      this.#refused();
      return;
    }
    this.#token = token;
    this.#age += 1;
    this.#set({ ...LOCKED, phase: "opening" });
    await this.refresh();
  }

  lock(): void {
    this.#token = "";
    this.#age += 1;
    this.#set(LOCKED);
  }

  /** Asks what is buried now, where there is a token to ask with. */
  async refresh(): Promise<void> {
    if (this.#token === "") {
      return;
    }
    const age = this.#age;
    const answer = await this.#ask(`/api/buried?limit=${LISTED_MAX}`);
    if (age !== this.#age) {
      return;
    }
    const list = answer.kind === "ok" ? parseBurials(answer.body) : undefined;
    if (list) {
      this.#set({ ...this.#latest, phase: "open", list, trouble: "" });
    } else if (answer.kind === "unauthorized") {
      this.#refused();
    } else {
      this.#set({ ...this.#latest, trouble: `${words(answer)} Trying again.` });
    }
  }

  putBack(burial: Burial): Promise<void> {
    return this.#settle(burial, "POST", "/put-back", "Put back");
  }

  remove(burial: Burial): Promise<void> {
    return this.#settle(burial, "DELETE", "", "Deleted");
  }

  async #settle(burial: Burial, method: string, action: string, done: string): Promise<void> {
    const { key, tube, id } = burial;
    const token = this.#token;
    this.#age += 1;
    this.#set({ ...this.#latest, busy: new Set([...this.#latest.busy, key]), done: "", trouble: "" });
    const answer = await this.#ask(`/api/buried/${tube}/${id}${action}`, { method });
    if (token !== this.#token) {
      return;
    }
    this.#age += 1;
    const busy = new Set([...this.#latest.busy].filter((other) => other !== key));
    if (answer.kind === "ok") {
      const list = this.#latest.list.filter((other) => other.key !== key);
      this.#set({ ...this.#latest, busy, list, done: `${done}: ${id} of ${tube}.` });
    } else if (answer.kind === "unauthorized") {
      this.#refused();
    } else {
      this.#set({ ...this.#latest, busy, trouble: words(answer) });
    }
  }

  #ask(path: string, init: RequestInit = {}): Promise<Answer> {
    return ask(this.#fetch, path, { ...init, headers: { authorization: `Bearer ${this.#token}` } });
  }

  #refused(): void {
    this.lock();
    this.#set({ ...LOCKED, trouble: "That is not this stack’s token. It was forgotten here." });
  }

  #set(latest: Burials): void {
    this.#latest = latest;
    this.#changed();
  }
}

function words(answer: Answer): string {
  return answer.kind === "ok" ? "The server’s answer can’t be read." : answer.words;
}

/** What is buried, in the order of the answer; undefined when it is none. */
export function parseBurials(answer: unknown): readonly Burial[] | undefined {
  if (!(isRecord(answer) && Array.isArray(answer["buried"]))) {
    return;
  }
  return answer["buried"].flatMap((one) => (isRecord(one) ? parseBurial(one) : []));
}

function parseBurial(one: Readonly<Record<string, unknown>>): readonly Burial[] {
  const { tube, id, reason, buriedAt, update } = one;
  if (typeof tube !== "string" || typeof id !== "number" || typeof reason !== "string") {
    return [];
  }
  const micros = typeof buriedAt === "string" ? parseMicros(buriedAt) : undefined;
  const body = typeof update === "string" ? update : JSON.stringify(update, null, 2);
  return [{ key: `${tube}/${id}`, tube, id, reason, buriedMs: micros && Math.floor(micros / 1000), body }];
}
