/**
 * The reader's session: asks for the user, logs in and out. With open access there is nothing to log in to.
 *
 * The browser keeps the session in a cookie that no script can read. The password is only passed on.
 */

import { isRecord } from "../trade/json.ts";
import { isOpen, SESSION } from "./access.ts";
import type { Fetch } from "./fetch.ts";
import { isProxied, nameAtProxy } from "./identity-proxy.ts";
import { type Answer, request } from "./request.ts";
import type { Timer, Timing } from "./timing.ts";

declare global {
  /** The host of the provider at which people log in; empty without one. nginx serves it in settings.js, too. */
  var provider: string | undefined;
}

/** The role that the page needs. */
const VIEWER = "viewer";
const ADMIN = "admin";
/** An admin may read the audit trail, and no trades. */
const AUDIT = "/api/audit";
const AWAY_EVERY_MS = 3000;
/** The role may be given while the page waits for it, and the user may log in at the proxy in another window. */
const WAITING_EVERY_MS = 10_000;
const FORBIDDEN = 403;
/** The name of a person who logs in at a provider: the name for people, and a digest. */
const PROVIDER_NAME = /^oidc:(.+)~[0-9a-f]+$/u;
/** The session has ended, or a role was taken. */
const REFUSALS: readonly number[] = [401, FORBIDDEN];
const TOO_MANY = 429;
const NO_ANSWER = 0;
const AWAY = "The server does not answer.";
/** The API's code: the provider has not confirmed the session lately. */
const UNCONFIRMED = "unconfirmed";
const SECOND_MS = 1000;

/** What is known of the session at one moment. Replaced, never changed in place. */
export interface Session {
  /** `away`: the server did not answer the question for the user. */
  readonly phase: "open" | "asking" | "away" | "out" | "in";
  /** The name of the present or the last user; empty before the first one, and if the server knows no role of it. */
  readonly name: string;
  readonly roles: readonly string[];
  /** Whether a log-in is under way. */
  readonly isBusy: boolean;
  /** Why the last attempt to log in or out failed, or why the user has no role, as a sentence. */
  readonly error: string;
  /** Why the phase is or was `away`, as a sentence. */
  readonly fault: string;
  /** When the next attempt is allowed, in milliseconds by the browser's clock. */
  readonly lockedUntilMs: number;
}

const ASKING: Session = {
  phase: "asking",
  name: "",
  roles: [],
  isBusy: false,
  error: "",
  fault: "",
  lockedUntilMs: 0,
};

export interface SessionListener {
  /** Called for every change. */
  readonly changed: () => void;
  /** A viewer is logged in, or may go on. */
  readonly entered: () => void;
  /** Another user logged in, or the user logged out: nothing of the page may stay. */
  readonly replaced: () => void;
  /** The user logged out, and has to log out at the provider, too: nothing of the page may stay. */
  readonly leaves: (address: string) => void;
  /** The user logged out here alone, because the provider can't be reached: nothing of the page may stay. */
  readonly goesOnElsewhere: () => void;
}

export class SessionClient {
  readonly #timing: Timing;
  readonly #fetch: Fetch;
  readonly #listener: SessionListener;
  #latest: Session;
  #isChecking = false;
  #timer: Timer | undefined;
  #waiting: (() => void)[] = [];

  /** `error` says why a log-in at the provider has just failed; it is empty if none has. */
  constructor(timing: Timing, fetch: Fetch, listener: SessionListener, error = "") {
    this.#timing = timing;
    this.#fetch = fetch;
    this.#listener = listener;
    this.#latest = { ...ASKING, phase: isOpen() ? "open" : "asking", error };
  }

  get latest(): Session {
    return this.#latest;
  }

  /**
   * Begins with the answer to the page's first question for the user, or asks. The listener is called after the code
   * that calls this has run to its end.
   */
  start(answer?: Promise<Answer>): void {
    if (this.#latest.phase === "open") {
      queueMicrotask(this.#listener.entered);
    } else {
      this.check(answer);
    }
  }

  /**
   * Asks for the user, unless that is being asked. Call after a 401, and when the session may have changed. `first` is
   * the answer to a question that was asked before.
   */
  async check(first?: Promise<Answer>): Promise<void> {
    if (this.#latest.phase === "open" || this.#isChecking) {
      return;
    }
    this.#isChecking = true;
    this.#timing.clearTimer(this.#timer);
    const answer = await (first ?? request(this.#fetch, SESSION));
    this.#isChecking = false;
    this.#accept(answer);
    const pauseMs = this.#pauseMs;
    if (pauseMs !== undefined) {
      this.#timer = this.#timing.setTimer(() => this.check(), pauseMs);
    }
  }

  async logIn(name: string, password: string): Promise<void> {
    if (this.#latest.isBusy || this.#timing.now() < this.#latest.lockedUntilMs) {
      return;
    }
    this.#set({ ...this.#latest, isBusy: true, error: "" });
    const answer = await request(this.#fetch, SESSION, {
      method: "POST",
      body: JSON.stringify({ name, password }),
    });
    this.#set({ ...this.#latest, isBusy: false });
    if (answer.kind === "ok") {
      this.#accept(answer);
      return;
    }
    const waitMs = answer.status === TOO_MANY ? answer.retryAfterSeconds * SECOND_MS : 0;
    this.#set({
      ...this.#latest,
      error: waitMs > 0 ? "Too many attempts to log in have failed." : answer.message,
      lockedUntilMs: waitMs > 0 ? this.#timing.now() + waitMs : 0,
    });
  }

  /** Logs out in this browser, or in all. */
  async logOut(everywhere: boolean): Promise<void> {
    const answer = await request(this.#fetch, everywhere ? `${SESSION}?everywhere` : SESSION, {
      method: "DELETE",
    });
    const { continueAt, goesOnAt } = answer.kind === "ok" && isRecord(answer.body) ? answer.body : {};
    if (typeof continueAt === "string") {
      this.#listener.leaves(continueAt);
    } else if (typeof goesOnAt === "string") {
      this.#listener.goesOnElsewhere();
    } else if (answer.kind === "ok" || answer.kind === "unauthorized") {
      this.#listener.replaced();
    } else {
      const fault = answer.status === NO_ANSWER ? "The logout did not reach the server." : answer.message;
      this.#set({ ...this.#latest, error: `You are still logged in. ${fault}` });
    }
  }

  /**
   * Wraps `fetch` for all other requests of the page. Without a session, requests to the API wait for one. After a
   * 401 or a 403 the page asks for the user.
   */
  guarded(): Fetch {
    return async (path, init) => {
      if (path.startsWith("/api/") && !(path.startsWith(AUDIT) && mayAudit(this.#latest))) {
        await this.#admitted(init.signal ?? undefined);
      }
      const response = await this.#fetch(path, init);
      if (REFUSALS.includes(response.status) && this.#latest.phase === "in") {
        this.check();
      }
      return response;
    };
  }

  #accept(answer: Answer): void {
    if (answer.kind === "ok") {
      this.#enter(answer.body);
    } else if (answer.kind === "unauthorized") {
      this.#set({ ...this.#latest, phase: "out" });
    } else if (answer.status === FORBIDDEN) {
      this.#set({ ...ASKING, phase: "in", error: answer.message });
    } else if (this.#latest.phase !== "in") {
      // A session that was there goes on until the server says that it has ended.
      this.#set({
        ...this.#latest,
        phase: "away",
        fault: answer.code === UNCONFIRMED ? answer.detail : AWAY,
      });
    }
  }

  #enter(body: unknown): void {
    const { name, roles } = isRecord(body) ? body : {};
    if (typeof name !== "string" || !Array.isArray(roles)) {
      this.#set({ ...this.#latest, phase: "away", fault: AWAY });
      return;
    }
    const before = this.#latest;
    if (before.name !== "" && before.name !== name) {
      this.#listener.replaced();
      return;
    }
    const now: Session = { ...ASKING, phase: "in", name, roles: roles.map(String) };
    this.#set(now);
    if (mayWatch(now) && !mayWatch(before)) {
      this.#listener.entered();
    }
  }

  get #pauseMs(): number | undefined {
    if (this.#latest.phase === "away") {
      return AWAY_EVERY_MS;
    }
    const mayCome = this.#latest.phase === "in" || (this.#latest.phase === "out" && isProxied());
    return mayCome && !mayWatch(this.#latest) ? WAITING_EVERY_MS : undefined;
  }

  /** Resolves while a viewer is logged in. Rejects when the request has waited too long. */
  #admitted(signal: AbortSignal | undefined): Promise<void> {
    if (mayWatch(this.#latest)) {
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      this.#waiting.push(resolve);
      signal?.addEventListener("abort", () => {
        this.#waiting = this.#waiting.filter((other) => other !== resolve);
        reject(signal.reason);
      });
    });
  }

  #set(latest: Session): void {
    this.#latest = latest;
    if (mayWatch(latest)) {
      for (const resolve of this.#waiting.splice(0)) {
        resolve();
      }
    }
    this.#listener.changed();
  }
}

/** Whether the page may show trades. */
export function mayWatch(session: Session): boolean {
  return session.phase === "open" || (session.phase === "in" && session.roles.includes(VIEWER));
}

/** Whether the reader may see the audit trail. With open access there are no admins. */
export function mayAudit({ phase, roles }: Session): boolean {
  return phase === "in" && roles.includes(ADMIN);
}

/** Whether the reader has one of these roles. With open access there are no roles to lack. */
export function hasRole({ phase, roles }: Session, ...wanted: readonly string[]): boolean {
  return phase === "open" || wanted.some((role) => roles.includes(role));
}

/** What people call the user: without what tells users of different kinds, or with the same name, apart. */
export function displayName(name: string): string {
  return PROVIDER_NAME.exec(name)?.[1] ?? nameAtProxy(name);
}
