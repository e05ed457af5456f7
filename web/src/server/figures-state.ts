/** The state of a panel of figures: whether it has any, why not, and since when they stand still. */

import { type Filters, isFiltered } from "../filters/filters.ts";
import { type Limit, limitOf } from "../filters/widen.ts";
import type { Stats } from "./stats.ts";
import { noTrades, type StatsSnapshot } from "./stats-poller.ts";

export interface FiguresState {
  readonly kind: "ready" | "loading" | "empty" | "failed" | "still";
  /** The state in words; empty if there is nothing to say. */
  readonly text: string;
  readonly limit: Limit | undefined;
}

/** The parts of the page's view that the state depends on. */
export interface FiguresContext {
  readonly stats: Pick<StatsSnapshot, "error">;
  readonly filters: Filters;
  readonly rangeLabel: string;
  /** Since when the figures stand still, as text. Empty while they follow. */
  readonly stillSince: string;
}

/** `noneText` is the text without trades. */
export function figuresState(
  shown: Stats | undefined,
  { stats, filters, rangeLabel, stillSince: since }: FiguresContext,
  noneText = noTrades(rangeLabel),
): FiguresState {
  if (!shown) {
    return stats.error === ""
      ? { kind: "loading", text: "Loading…", limit: undefined }
      : { kind: "failed", text: "No statistics. The page keeps trying.", limit: undefined };
  }
  if (shown.total.count === 0) {
    return { kind: "empty", text: noneText, limit: limitOf(rangeLabel, isFiltered(filters)) };
  }
  return since === ""
    ? { kind: "ready", text: "", limit: undefined }
    : { kind: "still", text: `Unchanged since ${since}`, limit: undefined };
}

/**
 * Returns since when neither answers nor live trades change the figures, by the server's clock; undefined if
 * they follow. `silentSinceMs` is when the live server was last heard, undefined while it is connected.
 */
export function stillSince(
  { error, answeredMs }: Pick<StatsSnapshot, "error" | "answeredMs">,
  silentSinceMs: number | undefined,
): number | undefined {
  if (error === "" || answeredMs === undefined || silentSinceMs === undefined) {
    return;
  }
  return Math.max(answeredMs, silentSinceMs);
}
