/**
 * How the reader wants the columns: which, how wide, and by which to sort. Never changed in place, and kept as
 * a short text by the browser.
 *
 * Widths are in ch, the width of a digit: whatever the font, what is usual fits.
 */

import { isRecord } from "../trade/event.ts";

/** Least widths, and the shares in which what is left over is given away. */
export const USUAL_CH = {
  time: 14,
  user: 9,
  pair: 10,
  sell: 13,
  buy: 13,
  rate: 12,
  country: 16,
  placed: 17.5,
  flags: 14.5,
} as const;
const LEAST_CH = 4;
const MOST_CH = 80;

export type ColumnName = keyof typeof USUAL_CH;

export const COLUMN_NAMES = Object.keys(USUAL_CH) as readonly ColumnName[];

/** A text that is cut off can still be told, an amount can't. */
function leastOf(name: ColumnName): number {
  return name === "sell" || name === "buy" || name === "rate" ? USUAL_CH[name] : LEAST_CH;
}

export interface Sort {
  readonly by: ColumnName;
  readonly direction: "ascending" | "descending";
}

export interface Layout {
  readonly hidden: readonly ColumnName[];
  /** Once one column is given a width, each keeps its own. */
  readonly widths: Readonly<Partial<Record<ColumnName, number>>>;
  readonly sort: Sort;
}

/** The order in which trades come. */
const BY_TIME: Sort = { by: "time", direction: "descending" };

export const USUAL: Layout = { hidden: [], widths: {}, sort: BY_TIME };

export function isByTime({ sort }: Layout): boolean {
  return sort.by === BY_TIME.by && sort.direction === BY_TIME.direction;
}

/** What a click on a column's head does: the greatest first, then the least first, then as trades come. */
export function sortNext(layout: Layout, by: ColumnName): Layout {
  const { sort } = layout;
  if (sort.by !== by) {
    return { ...layout, sort: { by, direction: "descending" } };
  }
  return { ...layout, sort: sort.direction === "descending" ? { by, direction: "ascending" } : BY_TIME };
}

/** Sorts by a column in sight. */
export function sortBy(layout: Layout, sort: Sort): Layout {
  return visible(layout).includes(sort.by) ? { ...layout, sort } : layout;
}

/** Shows or hides a column; one always stays. */
export function toggleColumn(layout: Layout, name: ColumnName): Layout {
  const { hidden } = layout;
  const now = hidden.includes(name) ? hidden.filter((other) => other !== name) : [...hidden, name];
  if (now.length === COLUMN_NAMES.length) {
    return layout;
  }
  return now.includes(layout.sort.by)
    ? { ...layout, hidden: now, sort: BY_TIME }
    : { ...layout, hidden: now };
}

/** Gives a column a width; `present` are those that all columns in sight have now. */
export function resizeColumn(
  layout: Layout,
  present: Layout["widths"],
  name: ColumnName,
  widthCh: number,
): Layout {
  const bounded = Math.min(MOST_CH, Math.max(leastOf(name), widthCh));
  return { ...layout, widths: { ...present, [name]: Math.round(bounded * 10) / 10 } };
}

/** The columns in sight. */
export function visible({ hidden }: Layout): readonly ColumnName[] {
  return COLUMN_NAMES.filter((name) => !hidden.includes(name));
}

/** For CSS's grid-template-columns. */
export function template(layout: Layout): string {
  const tracks = visible(layout).map((name) => {
    const own = layout.widths[name];
    return own === undefined ? `minmax(${USUAL_CH[name]}ch, ${USUAL_CH[name]}fr)` : `${own}ch`;
  });
  return tracks.join(" ");
}

/** The least that all columns take together, without the gaps between them. */
export function leastCh(layout: Layout): number {
  return visible(layout).reduce((sum, name) => sum + (layout.widths[name] ?? USUAL_CH[name]), 0);
}

export function writeLayout(layout: Layout): string {
  return JSON.stringify(layout);
}

/** What was written once; what makes no sense (any more) is left out. */
export function readLayout(text: string | undefined): Layout {
  const read = parse(text);
  if (!isRecord(read)) {
    return USUAL;
  }
  const { hidden, widths, sort } = read;
  const hiddenNames = COLUMN_NAMES.filter((name) => Array.isArray(hidden) && hidden.includes(name));
  if (hiddenNames.length === COLUMN_NAMES.length) {
    return USUAL;
  }
  const layout = { hidden: hiddenNames, widths: readWidths(widths), sort: BY_TIME };
  const by = isRecord(sort) && visible(layout).find((name) => name === sort["by"]);
  if (!(by && isRecord(sort))) {
    return layout;
  }
  return {
    ...layout,
    sort: { by, direction: sort["direction"] === "ascending" ? "ascending" : "descending" },
  };
}

function readWidths(widths: unknown): Layout["widths"] {
  const entries = COLUMN_NAMES.map((name) => [name, isRecord(widths) ? widths[name] : undefined] as const);
  const isWidth = ([name, width]: readonly [ColumnName, unknown]): boolean =>
    typeof width === "number" && width >= leastOf(name) && width <= MOST_CH;
  return Object.fromEntries(entries.filter(isWidth));
}

function parse(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}
