/**
 * Whether the live feed stands still although this page is connected: no processor feeds the live server.
 *
 * The trades that wait are counted by the ledger. The queue counts jobs: one may hold a thousand trades, and another one
 * is a mark, which holds none. So its counts of jobs would be wrong in another way. The ledger's number is too low by
 * trades that were put into the tube by hand.
 */

import type { Health } from "./health.ts";

/** A processor that restarts is away for less than this many polls. */
const POLLS_MIN = 2;

export class StallWatch {
  #health: Health | undefined;
  #polls = 0;

  /** Returns how many trades wait to be shown, 0 if unknown; undefined if the feed is not stalled. */
  waiting(health: Health): number | undefined {
    const live = health.tubes?.find(({ name }) => name === "live");
    const isAway = live?.consumers === 0;
    if (health !== this.#health) {
      this.#health = health;
      this.#polls = isAway ? this.#polls + 1 : 0;
    }
    return isAway && this.#polls >= POLLS_MIN ? (live.waiting ?? 0) : undefined;
  }
}
