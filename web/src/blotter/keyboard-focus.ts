/** Keyboard navigation between rows. */

/**
 * Returns the row that a key moves to; `pageRows` is the number of visible rows. Undefined for other keys.
 */
export function nextRow(
  key: string,
  row: number | undefined,
  rows: number,
  pageRows: number,
): number | undefined {
  const to = target(key, row ?? -1, rows, pageRows);
  return to === undefined || rows === 0 ? undefined : Math.min(rows - 1, Math.max(0, to));
}

function target(key: string, from: number, rows: number, pageRows: number): number | undefined {
  switch (key) {
    case "ArrowDown":
      return from + 1;
    case "ArrowUp":
      return from - 1;
    case "PageDown":
      return from + pageRows;
    case "PageUp":
      return from - pageRows;
    case "Home":
      return 0;
    case "End":
      return rows - 1;
    default:
      return;
  }
}

/** Returns the scroll offset that shows a row with the least movement. All in pixels. */
export function scrollToShow(
  rowTop: number,
  rowHeight: number,
  scrollTop: number,
  viewHeight: number,
): number {
  return Math.max(Math.min(scrollTop, rowTop), rowTop + rowHeight - viewHeight);
}
