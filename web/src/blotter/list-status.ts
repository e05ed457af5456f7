/** The line above the table: how its rows are ordered, and why they may not be the newest. */

import type { Connection } from "../stream/feed.ts";
import { numberFormat } from "../ui/format.ts";
import type { Zone } from "../ui/preferences.ts";
import { dateAndClock, sinceText, zoneName } from "../ui/time-format.ts";
import type { Grid } from "./grid.ts";
import { directionLabel, orderLabel } from "./order-labels.ts";
import type { SortedTrades } from "./sorted-trades.ts";

const HELD: Readonly<Record<NonNullable<Grid["heldBy"]>, string>> = {
  focus: "Paused while a row has the focus. Press Esc to resume.",
  scroll: "Paused while scrolled. Scroll to the top to resume.",
  pointer: "Paused while the pointer is over the rows. Move it away to resume.",
};

const wholeNumber = numberFormat();

export interface ListState {
  readonly sorted: Pick<SortedTrades, "order" | "asOfMs" | "basis"> | undefined;
  readonly isPaused: boolean;
  readonly heldBy: Grid["heldBy"];
  readonly connection: Connection;
  /** No trade comes from the queue. */
  readonly isStalled: boolean;
  /** Trades arrive too fast to be shown one by one. */
  readonly isSampled: boolean;
  readonly nowMs: number;
  readonly zone: Zone;
}

export function listStatus(state: ListState): string {
  const { sorted, isPaused, heldBy, connection, isStalled, isSampled, nowMs, zone } = state;
  if (sorted) {
    return sortedStatus(sorted, zone);
  }
  if (isPaused) {
    return "Paused. Press Space or the button to resume.";
  }
  if (heldBy) {
    return HELD[heldBy];
  }
  if (connection.phase !== "live") {
    const { silentSinceMs } = connection;
    const since = silentSinceMs === undefined ? "" : ` since ${sinceText(silentSinceMs, nowMs, zone)}`;
    return `Disconnected${since}. Missed trades are filled in after reconnecting.`;
  }
  if (isStalled) {
    return "Stalled: no new trades arrive. They wait in the queue, and appear when a live processor runs.";
  }
  return isSampled
    ? "Too fast to read: the list is updated four times a second. Counts and exports are exact."
    : `Newest first, as they arrive. Times are ${zoneName(zone)}.`;
}

/** The button that shows new trades. In a sorted list they may belong anywhere. */
export function waitingLabel(count: number, isSorted: boolean): string {
  return `${wholeNumber.format(count)} new${isSorted ? ", show" : " ↑"}`;
}

function sortedStatus({ order, asOfMs, basis }: NonNullable<ListState["sorted"]>, zone: Zone): string {
  const time = (ms: number): string => `${dateAndClock(ms, zone)} ${zoneName(zone)}`;
  const sentences = [
    `Sorted by ${orderLabel(order.by)}, ${directionLabel(order)}${asOfMs === undefined ? "" : `, as of ${time(asOfMs)}`}.`,
  ];
  if (basis) {
    const newest = wholeNumber.format(basis.newest);
    sentences.push(`Only the newest ${newest} trades, received since ${time(basis.sinceMs)}, are sorted.`);
  }
  return sentences.join(" ");
}
