/** Whose volume and rate are shown: those of the pair that is filtered, else of the busiest one. */

import type { Filters } from "../filters/filters.ts";
import type { Figures, PairFigures } from "../server/stats.ts";
import type { Pair, Statistics } from "../server/stats-poller.ts";

/** How much busier another pair must be to take over: two that are about equal must not take turns. */
const BUSIER = 1.2;

export class Focus {
  #kept: Pair | undefined;

  /** The pair to show; undefined where there is none, or none is known yet. */
  pair({ from, to }: Filters, pairs: readonly PairFigures[] | undefined): Pair | undefined {
    if (from && to) {
      return { from, to };
    }
    const candidates = pairs?.filter((pair) => (!from || pair.from === from) && (!to || pair.to === to));
    if (candidates) {
      const [busiest] = candidates;
      const kept = candidates.find((pair) => isSame(pair, this.#kept));
      if (!kept || (busiest && busiest.count > kept.count * BUSIER)) {
        this.#kept = busiest && { from: busiest.from, to: busiest.to };
      }
    }
    return this.#kept;
  }
}

/** The figures of this pair, as soon as those of the pair before have made room for them. */
export function focused({ focus }: Statistics, wanted: Pair | undefined): Figures | undefined {
  return wanted && focus?.pairs.every((pair) => isSame(pair, wanted)) ? focus : undefined;
}

function isSame(a: Pair, b: Pair | undefined): boolean {
  return a.from === b?.from && a.to === b.to;
}
