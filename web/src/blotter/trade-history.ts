/** Looks a trade up by its id, and follows its history until that is complete. */

import type { Page } from "../page.ts";
import { isTradeId } from "../trade/event.ts";
import { dateAndClock } from "../ui/time-format.ts";
import { fetchTrace, type NotArchived, type Trace } from "./trace.ts";

/** How often to query an incomplete history. */
const POLL_EVERY_MS = 2000;

/** What is known of a trade at one moment. */
export interface LookUp {
  readonly trace: Trace | undefined;
  /** What is missing, in words. Empty if the history is complete. */
  readonly status: string;
}

const LOADING: LookUp = { trace: undefined, status: "Loading the history…" };

export class TradeHistory {
  readonly #page: Page;
  readonly #changed: (found: LookUp) => void;
  #id: string | undefined;
  #trace: Trace | undefined;

  constructor(page: Page, changed: (found: LookUp) => void) {
    this.#page = page;
    this.#changed = changed;
  }

  /** Looks up a trade, and stops following the one before. Undefined: none. */
  follow(id: string | undefined): void {
    this.#id = id;
    this.#trace = undefined;
    if (id === undefined) {
      return;
    }
    if (!isTradeId(id)) {
      this.#changed({ trace: undefined, status: notAnId(id) });
      return;
    }
    this.#changed(LOADING);
    this.#poll(id);
  }

  async #poll(id: string): Promise<void> {
    while (this.#id === id) {
      // biome-ignore lint/performance/noAwaitInLoops: attempts run one after another
      const delayMs = await this.#pollOnce(id);
      if (delayMs === undefined) {
        return;
      }
      await new Promise((resolve) => {
        this.#page.timing.setTimer(() => resolve(undefined), delayMs);
      });
    }
  }

  /** Returns the delay until the next poll in milliseconds; undefined if none is needed. */
  async #pollOnce(id: string): Promise<number | undefined> {
    try {
      const result = await fetchTrace(this.#page.fetch, id);
      if (this.#id !== id) {
        return;
      }
      if ("afterMs" in result) {
        this.#publish(absence(result));
        return result.afterMs;
      }
      this.#trace = result;
      this.#publish(statusOf(result));
      return result.isDone ? undefined : POLL_EVERY_MS;
    } catch {
      if (this.#id === id) {
        this.#publish("The archive does not answer. Trying again…");
      }
      return POLL_EVERY_MS;
    }
  }

  #publish(status: string): void {
    this.#changed({ trace: this.#trace, status });
  }
}

const NOT_ARCHIVED = "Not archived yet. A trade that was accepted just now appears here within seconds.";
const NOT_FOUND =
  "There is no trade with this id. Everything accepted at its time is archived, so it was not accepted here, or it is lost.";

const DELETED = "Trades of this time are not kept any more: they were archived, and deleted by retention.";

function absence({ afterMs, isDeleted }: NotArchived): string {
  if (isDeleted) {
    return DELETED;
  }
  return afterMs === undefined ? NOT_FOUND : NOT_ARCHIVED;
}

export function statusOf({ isDone, message, entries }: Trace): string {
  if (message === undefined) {
    const loss = entries.find(({ kind }) => kind === "lost");
    if (loss) {
      return `This trade is lost. The ledger has named it since ${dateAndClock(loss.atMicros / 1000, "utc")} UTC.`;
    }
    if (entries.some(({ kind }) => kind === "deleted")) {
      return "This trade was archived, and deleted by retention.";
    }
    return "The trade itself is not archived. This is what happened to it.";
  }
  return isDone ? "" : "This history is not complete yet. The next steps appear here.";
}

function notAnId(id: string): string {
  const example = "0197b3c2-5d0e-7a41-8c3f-2b6d9e1f4a70";
  return `“${id}” is not the id of a trade. An id looks like ${example}; producers get it when they post.`;
}
