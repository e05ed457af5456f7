/** The pair whose volume and rate are shown: the filtered one, else the busiest. */

import type { Filters } from "../filters/filters.ts";
import type { PairStats, Stats } from "../server/stats.ts";
import type { Pair, StatsSnapshot } from "../server/stats-poller.ts";

/** How much busier another pair must be to take over. Two about equally busy pairs must not alternate. */
const MIN_RATIO = 1.2;

export class Focus {
  #current: Pair | undefined;

  /** The pair to show; undefined until a pair is known. */
  pair({ from, to }: Filters, pairs: readonly PairStats[] | undefined): Pair | undefined {
    if (from && to) {
      return { from, to };
    }
    const candidates = pairs?.filter((pair) => (!from || pair.from === from) && (!to || pair.to === to));
    if (candidates) {
      const [busiest] = candidates;
      const current = candidates.find((pair) => isSame(pair, this.#current));
      if (!current || (busiest && busiest.count > current.count * MIN_RATIO)) {
        this.#current = busiest && { from: busiest.from, to: busiest.to };
      }
    }
    return this.#current;
  }
}

/** The focus stats if they are for this pair, not still for the one before. */
export function focused({ focus }: StatsSnapshot, pair: Pair | undefined): Stats | undefined {
  return pair && focus?.pairs.every((other) => isSame(other, pair)) ? focus : undefined;
}

function isSame(a: Pair, b: Pair | undefined): boolean {
  return a.from === b?.from && a.to === b.to;
}
