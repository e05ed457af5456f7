/** The step that brings more trades onto an empty page: all time first, then no filters. */

import type { Address } from "./address.ts";
import { NO_FILTERS } from "./filters.ts";
import { ALL } from "./range.ts";

/** What would have to go for more trades to be selected. */
export type Limit = "range" | "filters";

/** Returns the label of the step's button, and the step. */
export function widening(
  address: Address,
  limit: Limit | undefined,
): { readonly label: string; readonly run: () => void } | undefined {
  switch (limit) {
    case "range":
      return { label: "Show all time", run: () => address.setRange(ALL) };
    case "filters":
      return { label: "Clear filters", run: () => address.setFilters(NO_FILTERS) };
    default:
      return;
  }
}

/** Returns what limits the selection; undefined if it has all trades. */
export function limitOf(rangeLabel: string, isFiltered: boolean): Limit | undefined {
  if (rangeLabel !== "") {
    return "range";
  }
  return isFiltered ? "filters" : undefined;
}
