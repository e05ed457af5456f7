/** The trades that the page is about: those that pass the filters, and were received within the range. */

import type { TradeEvent } from "../trade/event.ts";
import { type Filters, matches, NO_FILTERS } from "./filters.ts";
import { ALL, isInSpan, type Span } from "./range.ts";

export interface Selection {
  readonly filters: Filters;
  readonly span: Span;
}

export const EVERYTHING: Selection = { filters: NO_FILTERS, span: ALL };

/** True if the API would find this trade. */
export function selects({ filters, span }: Selection, trade: TradeEvent): boolean {
  return isInSpan(span, trade.receivedMicros / 1000) && matches(filters, trade);
}
