/** The list of the newest trades: newest first, bounded, and never changed in place. */

import { newestFirst, type Update } from "./event.ts";

/** How many trades the page holds. */
export const HELD = 1000;

/**
 * `trades` with `batch` merged in, as a new list: whoever still looks at the old one (a table scrolled away
 * from the top) may go on doing so.
 */
export function merge(trades: readonly Update[], batch: readonly Update[], held = HELD): readonly Update[] {
  const incoming = batch.toReversed();
  if (!isSorted(incoming)) {
    incoming.sort(newestFirst);
  }
  const merged = incoming.slice(0, held).concat(trades);
  const [newest] = trades;
  const oldestIncoming = incoming[Math.min(incoming.length, held) - 1];
  // The common case costs one comparison: all that came is newer than all that was there.
  if (newest && oldestIncoming && newestFirst(oldestIncoming, newest) > 0) {
    merged.sort(newestFirst);
  }
  return merged.slice(0, held);
}

function isSorted(updates: readonly Update[]): boolean {
  return updates.every((update, index) => {
    const before = updates[index - 1];
    return !before || newestFirst(before, update) < 0;
  });
}
