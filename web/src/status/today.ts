/** The number of trades accepted since midnight, UTC. */

import type { Stats } from "../server/stats.ts";

const DAY_MS = 86_400_000;

/** Undefined before the first answer. `days` must begin before midnight, in steps that start at midnight. */
export function today(days: Stats | undefined, nowMs: number): number | undefined {
  const midnight = Math.floor(nowMs / DAY_MS) * DAY_MS;
  return days?.series.filter(({ startMs }) => startMs >= midnight).reduce((sum, { count }) => sum + count, 0);
}
