/** Which row is in hand: taken by a key, moved by keys, and put back when it is no longer wanted. */

/** Where a key leads from a place in a list; `page` is how many rows are in sight. Undefined for other keys. */
export function placeAfter(
  key: string,
  place: number | undefined,
  rows: number,
  page: number,
): number | undefined {
  const to = target(key, place ?? -1, rows, page);
  return to === undefined || rows === 0 ? undefined : Math.min(rows - 1, Math.max(0, to));
}

function target(key: string, from: number, rows: number, page: number): number | undefined {
  switch (key) {
    case "ArrowDown":
      return from + 1;
    case "ArrowUp":
      return from - 1;
    case "PageDown":
      return from + page;
    case "PageUp":
      return from - page;
    case "Home":
      return 0;
    case "End":
      return rows - 1;
    default:
      return;
  }
}

/** How far to scroll so that a row is in sight: as little as possible. All in pixels. */
export function scrollFor(rowTop: number, rowHeight: number, scrolled: number, room: number): number {
  return Math.max(Math.min(scrolled, rowTop), rowTop + rowHeight - room);
}
