/** How many trades were accepted since midnight, UTC: the day that all readers share. */

import type { Figures } from "../server/stats.ts";

const DAY_MS = 86_400_000;

/** Undefined as long as nothing was told. `days` must begin before midnight, in steps that no midnight cuts. */
export function today(days: Figures | undefined, nowMs: number): number | undefined {
  const midnight = Math.floor(nowMs / DAY_MS) * DAY_MS;
  return days?.series.filter(({ startMs }) => startMs >= midnight).reduce((sum, { count }) => sum + count, 0);
}
