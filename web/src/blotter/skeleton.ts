/** The list while its trades are loaded: rows without trades, as many as a large screen shows. */

import type { RowSource } from "./grid.ts";

const ROWS = 60;

export const SKELETON: RowSource = {
  length: ROWS,
  slice: (first, last) => Array.from({ length: Math.max(0, Math.min(ROWS, last) - first) }),
};
