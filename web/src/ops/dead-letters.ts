/**
 * The client of `/api/dead-letters`: lists, requeues and deletes with the operator token, or with an operator's session.
 *
 * The token is kept only here. It is dropped when the page is closed or the server rejects it.
 */

import type { Fetch } from "../server/fetch.ts";
import { type Answer, request } from "../server/request.ts";
import { hasRole, type Session } from "../server/session.ts";
import { isRecord } from "../trade/json.ts";
import { type DeadLetter, parseDeadLetters } from "./dead-letter.ts";

/** The server lists at most this many per tube. */
export const LISTED_MAX = 100;
const OPERATOR = "operator";
/** The characters that a header can carry. */
const TOKEN = /^[\x21-\x7e]+$/u;

/** Replaced when something changes, never changed in place. */
export interface DeadLettersState {
  readonly phase: "locked" | "unlocking" | "unlocked";
  /** Whether the reader's session decides, and no token is asked for. */
  readonly hasSession: boolean;
  readonly list: readonly DeadLetter[];
  /** Keys of those being requeued or deleted, and tubes that are requeued as a whole. */
  readonly busy: ReadonlySet<string>;
  /** The last successful action. */
  readonly result: string;
  /** The last error, or an empty string. */
  readonly error: string;
}

const LOCKED: DeadLettersState = {
  phase: "locked",
  hasSession: false,
  list: [],
  busy: new Set(),
  result: "",
  error: "",
};

/** A change of one dead letter. */
interface Action {
  readonly method: string;
  readonly action: string;
  /** Says what was done, from the answer. */
  readonly done: (body: unknown) => string;
}

export class DeadLetterClient {
  readonly #fetch: Fetch;
  readonly #changed: () => void;
  #token = "";
  #latest = LOCKED;
  /** Counts changes of the list, so that an answer from before a change is dropped. */
  #revision = 0;

  constructor(fetch: Fetch, changed: () => void) {
    this.#fetch = fetch;
    this.#changed = changed;
  }

  get latest(): DeadLettersState {
    return this.#latest;
  }

  /** Follows the reader's session. With open access there is none, and the token decides. */
  async follow(session: Session): Promise<void> {
    const hasSession = session.phase !== "open";
    const phase = hasSession && hasRole(session, OPERATOR) ? "unlocked" : "locked";
    if (!hasSession || (this.#latest.hasSession && this.#latest.phase === phase)) {
      return;
    }
    this.#revision += 1;
    this.#set({ ...LOCKED, hasSession, phase });
    await this.refresh();
  }

  async unlock(token: string): Promise<void> {
    if (!TOKEN.test(token)) {
      this.#rejectToken();
      return;
    }
    this.#token = token;
    this.#revision += 1;
    this.#set({ ...LOCKED, phase: "unlocking" });
    await this.refresh();
  }

  lock(): void {
    this.#token = "";
    this.#revision += 1;
    this.#set(LOCKED);
  }

  /** Loads the current list if the reader may see it. */
  async refresh(): Promise<void> {
    if (this.#token === "" && !(this.#latest.hasSession && this.#latest.phase === "unlocked")) {
      return;
    }
    const revision = this.#revision;
    const answer = await this.#request(`/api/dead-letters?limit=${LISTED_MAX}`);
    if (revision !== this.#revision) {
      return;
    }
    const list = answer.kind === "ok" ? parseDeadLetters(answer.body) : undefined;
    if (list) {
      this.#set({ ...this.#latest, phase: "unlocked", list, error: "" });
    } else if (this.#isTokenRejected(answer)) {
      this.#rejectToken();
    } else {
      this.#set({ ...this.#latest, error: `${message(answer)} Retrying.` });
    }
  }

  requeue(letter: DeadLetter): Promise<void> {
    return this.#act(letter, { method: "POST", action: "/requeue", done: requeueResult });
  }

  discard(letter: DeadLetter): Promise<void> {
    return this.#act(letter, { method: "DELETE", action: "", done: () => "Deleted" });
  }

  /** Requeues all dead letters of a tube, also those that are not listed. */
  async requeueAll(tube: string): Promise<void> {
    await this.#change(tube, "POST", `requeue?tube=${tube}`, (body) => {
      const { requeued, left, failedAgain } = isRecord(body) ? body : {};
      const failed = failedAgain === 0 ? " None has failed again so far." : ` ${failedAgain} failed again.`;
      return {
        result: `Requeued: ${requeued} of ${tube}.${left === 0 ? "" : ` ${left} are left.`}${failed}`,
      };
    });
    await this.refresh();
  }

  #act({ key, tube, id }: DeadLetter, { method, action, done }: Action): Promise<void> {
    return this.#change(key, method, `${tube}/${encodeURIComponent(id)}${action}`, (body) => ({
      list: this.#latest.list.filter((other) => other.key !== key),
      result: `${id} of ${tube}: ${done(body)}`,
    }));
  }

  /** Asks the server for a change. `done` gives the difference that it made. */
  async #change(
    key: string,
    method: string,
    path: string,
    done: (body: unknown) => Partial<DeadLettersState>,
  ): Promise<void> {
    const token = this.#token;
    this.#revision += 1;
    this.#set({ ...this.#latest, busy: new Set([...this.#latest.busy, key]), result: "", error: "" });
    const answer = await this.#request(`/api/dead-letters/${path}`, { method });
    if (token !== this.#token) {
      return;
    }
    this.#revision += 1;
    const busy = new Set([...this.#latest.busy].filter((other) => other !== key));
    if (answer.kind === "ok") {
      this.#set({ ...this.#latest, busy, ...done(answer.body) });
    } else if (this.#isTokenRejected(answer)) {
      this.#rejectToken();
    } else {
      this.#set({ ...this.#latest, busy, error: message(answer) });
    }
  }

  #request(path: string, init: RequestInit = {}): Promise<Answer> {
    const headers = this.#latest.hasSession ? {} : { authorization: `Bearer ${this.#token}` };
    return request(this.#fetch, path, { ...init, headers });
  }

  #isTokenRejected(answer: Answer): boolean {
    return answer.kind === "unauthorized" && !this.#latest.hasSession;
  }

  #rejectToken(): void {
    this.lock();
    this.#set({ ...LOCKED, error: "This is not the stack’s operator token. The page has dropped it." });
  }

  #set(latest: DeadLettersState): void {
    this.#latest = latest;
    this.#changed();
  }
}

/** What came of a requeue. The server has waited for it for two seconds. */
function requeueResult(body: unknown): string {
  const { result, reason } = isRecord(body) ? body : {};
  switch (result) {
    case "taken":
      return "requeued, and processed.";
    case "failed-again":
      return `requeued, and failed again: ${reason}.`;
    default:
      return "requeued, and waits. Its trade’s history will tell what came of it.";
  }
}

function message(answer: Answer): string {
  return answer.kind === "ok" ? "The server’s answer is invalid." : answer.message;
}
