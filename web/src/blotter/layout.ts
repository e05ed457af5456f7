/**
 * The user's column layout: visibility and widths. Never changed in place; stored as JSON.
 *
 * Widths are in ch, the width of a digit, so that usual values fit in any font.
 */

import type { LabelledName } from "../trade/fields.ts";
import { isRecord } from "../trade/json.ts";
import { LABELLED } from "./labelled.ts";

const OWN_CH = {
  time: 17,
  user: 9,
  pair: 10,
  sell: 13,
  buy: 13,
  rate: 12,
  country: 14,
  placed: 17,
  flags: 14.5,
} as const;
const LABELLED_CH = 14;

/** Columns of fields that have a label, but no rendering of their own, are called `field-` and the field's name. */
export type ColumnName = keyof typeof OWN_CH | `field-${LabelledName}`;

const { flags: FLAGS_CH, ...FIRST_CH } = OWN_CH;

/** Minimum widths. Spare width is distributed in the same proportions. */
export const DEFAULT_CH = {
  ...FIRST_CH,
  ...Object.fromEntries(LABELLED.map(({ name }) => [`field-${name}`, LABELLED_CH])),
  flags: FLAGS_CH,
} as Readonly<Record<ColumnName, number>>;
const MIN_CH = 4;
const MAX_CH = 80;

export const COLUMN_NAMES = Object.keys(DEFAULT_CH) as readonly ColumnName[];

/** A truncated text is still recognizable, a truncated amount is not. */
function minWidth(name: ColumnName): number {
  return name === "sell" || name === "buy" || name === "rate" ? DEFAULT_CH[name] : MIN_CH;
}

export interface Layout {
  readonly hidden: readonly ColumnName[];
  /** Once one column has a width of its own, all have. */
  readonly widths: Readonly<Partial<Record<ColumnName, number>>>;
}

export const DEFAULT_LAYOUT: Layout = { hidden: [], widths: {} };

/** Shows or hides a column. At least one that always has values stays visible. */
export function toggleColumn(layout: Layout, name: ColumnName): Layout {
  const { hidden } = layout;
  const now = hidden.includes(name) ? hidden.filter((other) => other !== name) : [...hidden, name];
  return isEmpty(now) ? layout : { ...layout, hidden: now };
}

/** Hides columns for as long as they have no value. The reader's choice stays as it is. */
export function withoutColumns(layout: Layout, unused: ReadonlySet<ColumnName>): Layout {
  return {
    ...layout,
    hidden: COLUMN_NAMES.filter((name) => layout.hidden.includes(name) || unused.has(name)),
  };
}

/** Whether no column remains of those that always have values. */
function isEmpty(hidden: readonly ColumnName[]): boolean {
  return Object.keys(OWN_CH).every((name) => hidden.some((other) => other === name));
}

/** Sets the width of a column; `current` are the widths of all visible columns. */
export function resizeColumn(
  layout: Layout,
  current: Layout["widths"],
  name: ColumnName,
  widthCh: number,
): Layout {
  const bounded = Math.min(MAX_CH, Math.max(minWidth(name), widthCh));
  return { ...layout, widths: { ...current, [name]: Math.round(bounded * 10) / 10 } };
}

/** The visible columns. */
export function visible({ hidden }: Layout): readonly ColumnName[] {
  return COLUMN_NAMES.filter((name) => !hidden.includes(name));
}

/** For CSS's grid-template-columns. */
export function gridTemplate(layout: Layout): string {
  const tracks = visible(layout).map((name) => {
    const own = layout.widths[name];
    return own === undefined ? `minmax(${DEFAULT_CH[name]}ch, ${DEFAULT_CH[name]}fr)` : `${own}ch`;
  });
  return tracks.join(" ");
}

/** The minimum width of all visible columns, without gaps. */
export function minWidthCh(layout: Layout): number {
  return visible(layout).reduce((sum, name) => sum + (layout.widths[name] ?? DEFAULT_CH[name]), 0);
}

export function writeLayout(layout: Layout): string {
  return JSON.stringify(layout);
}

/** Reads a stored layout. Invalid parts are ignored. */
export function readLayout(text: string | undefined): Layout {
  const read = parse(text);
  if (!isRecord(read)) {
    return DEFAULT_LAYOUT;
  }
  const { hidden, widths } = read;
  const hiddenNames = COLUMN_NAMES.filter((name) => Array.isArray(hidden) && hidden.includes(name));
  if (isEmpty(hiddenNames)) {
    return DEFAULT_LAYOUT;
  }
  return { hidden: hiddenNames, widths: readWidths(widths) };
}

function readWidths(widths: unknown): Layout["widths"] {
  const entries = COLUMN_NAMES.map((name) => [name, isRecord(widths) ? widths[name] : undefined] as const);
  const isWidth = ([name, width]: readonly [ColumnName, unknown]): boolean =>
    typeof width === "number" && width >= minWidth(name) && width <= MAX_CH;
  return Object.fromEntries(entries.filter(isWidth));
}

function parse(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}
