/** Polls the ledger, for the verdict in the header and for the operations dialog. */

import type { Fetch } from "./fetch.ts";
import { type Ledger, parseLedger } from "./ledger.ts";
import { request } from "./request.ts";
import type { Timer, Timing } from "./timing.ts";

const EVERY_MS = 5000;

/** What is known of the ledger at one moment. Replaced, never changed in place. */
export interface LedgerState {
  /** The last answer; undefined before the first one. */
  readonly ledger: Ledger | undefined;
  /** All that was accepted before this time is accounted for, in milliseconds since 1970. Undefined if unknown. */
  readonly checkedMs: number | undefined;
  /** Why there is no current answer, in words. Empty if there is one. */
  readonly error: string;
}

export interface LedgerPollerOptions {
  readonly timing: Timing;
  readonly fetch: Fetch;
  /** Returns the current time by the server's clock, in milliseconds since 1970. */
  readonly serverNow: () => number;
  readonly changed: () => void;
}

export class LedgerPoller {
  readonly #options: LedgerPollerOptions;
  #timer: Timer | undefined;
  #isVisible = true;
  #isAllowed = true;
  #isPending = false;
  #latest: LedgerState = { ledger: undefined, checkedMs: undefined, error: "" };

  constructor(options: LedgerPollerOptions) {
    this.#options = options;
  }

  get latest(): LedgerState {
    return this.#latest;
  }

  /** Starts or stops polling. Starting asks at once. */
  setVisible(isVisible: boolean): void {
    this.#isVisible = isVisible;
    this.#restart();
  }

  /** Whether the reader may see the ledger. Without that, nothing is asked. */
  setAllowed(isAllowed: boolean): void {
    if (isAllowed !== this.#isAllowed) {
      this.#isAllowed = isAllowed;
      this.#restart();
    }
  }

  #restart(): void {
    this.#options.timing.clearTimer(this.#timer);
    if (this.#isVisible && this.#isAllowed) {
      this.#poll();
    }
  }

  async #poll(): Promise<void> {
    if (this.#isPending) {
      return;
    }
    const { timing, fetch, serverNow, changed } = this.#options;
    this.#isPending = true;
    const askedMs = serverNow();
    const answer = await request(fetch, "/api/ledger");
    this.#isPending = false;
    const ledger = answer.kind === "ok" ? parseLedger(answer.body) : undefined;
    const error = answer.kind === "ok" ? "The server’s answer is invalid." : answer.message;
    this.#latest = ledger
      ? { ledger, checkedMs: this.#checkedMs(ledger, askedMs), error: "" }
      : { ...this.#latest, error: `${error} Trying again.` };
    changed();
    if (this.#isVisible && this.#isAllowed) {
      this.#timer = timing.setTimer(() => this.#poll(), EVERY_MS);
    }
  }

  /** An answer without a time of its own holds for the time of the question, unless messages are on their way. */
  #checkedMs({ status, archivedUpToMs }: Ledger, askedMs: number): number | undefined {
    return archivedUpToMs ?? (status === "settling" ? this.#latest.checkedMs : askedMs);
  }
}
