/** The time range of the whole page: of the table, the figures, the count and the exports. */

import { isDate } from "../trade/json.ts";

export const WINDOWS = ["15m", "1h", "24h", "7d"] as const;

export type Window = (typeof WINDOWS)[number];

/** A range between two times of receipt, in milliseconds since 1970. Undefined means no bound. */
export interface Span {
  /** Inclusive. */
  readonly sinceMs: number | undefined;
  /** Exclusive. */
  readonly untilMs: number | undefined;
}

/** The time up to now, or a fixed span. Never changed in place. */
export type Range = { readonly window: Window } | Span;

export const ALL: Span = { sinceMs: undefined, untilMs: undefined };

export const DEFAULT_RANGE: Range = { window: "1h" };

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

interface WindowLength {
  /** To follow “the last”. */
  readonly label: string;
  readonly lengthMs: number;
  /** The window starts at a multiple of this, because the archive's statistics are kept in such steps. */
  readonly stepMs: number;
}

const LENGTHS: Readonly<Record<Window, WindowLength>> = {
  "15m": { label: "15 minutes", lengthMs: 15 * MINUTE_MS, stepMs: MINUTE_MS },
  "1h": { label: "hour", lengthMs: HOUR_MS, stepMs: MINUTE_MS },
  "24h": { label: "24 hours", lengthMs: 24 * HOUR_MS, stepMs: MINUTE_MS },
  "7d": { label: "7 days", lengthMs: 168 * HOUR_MS, stepMs: HOUR_MS },
};

const WITH_OFFSET = /^(?<date>\d{4}-\d\d-\d\d)[Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d\d:\d\d)$/u;
const MILLISECONDS = ".000Z";

/** Returns the bounds of a range at a time by the server's clock. */
export function spanOf(range: Range, nowMs: number): Span {
  if (!("window" in range)) {
    return range;
  }
  const { lengthMs, stepMs } = LENGTHS[range.window];
  return { sinceMs: Math.floor((nowMs - lengthMs) / stepMs) * stepMs, untilMs: undefined };
}

export function isInSpan({ sinceMs, untilMs }: Span, receivedMs: number): boolean {
  return (sinceMs === undefined || receivedMs >= sinceMs) && (untilMs === undefined || receivedMs < untilMs);
}

/** True if no time can be in the span. The API refuses such a span. */
export function isEmptySpan({ sinceMs, untilMs }: Span): boolean {
  return sinceMs !== undefined && untilMs !== undefined && sinceMs >= untilMs;
}

/** Reads a range from an address. Returns undefined without a range that the API would take. */
export function parseRange(query: URLSearchParams): Range | undefined {
  const text = query.get("window");
  if (text !== null) {
    const window = WINDOWS.find((each) => each === text);
    return text === "all" ? ALL : window && { window };
  }
  const bounds = [query.get("since"), query.get("until")] as const;
  const [sinceMs, untilMs] = bounds.map(parseTime);
  const isInvalid = bounds.some((bound, index) => bound !== null && [sinceMs, untilMs][index] === undefined);
  const isAbsent = bounds.every((bound) => bound === null);
  return isAbsent || isInvalid || isEmptySpan({ sinceMs, untilMs }) ? undefined : { sinceMs, untilMs };
}

/** Writes a range into an address. The default range is left out. */
export function writeRange(range: Range, query: URLSearchParams): void {
  if ("window" in range) {
    if (!sameRange(range, DEFAULT_RANGE)) {
      query.set("window", range.window);
    }
  } else if (sameRange(range, ALL)) {
    query.set("window", "all");
  } else {
    writeSpan(range, query);
  }
}

/** Writes the bounds into a query, as the API takes them. */
export function writeSpan({ sinceMs, untilMs }: Span, query: URLSearchParams): void {
  if (sinceMs !== undefined) {
    query.set("since", timestamp(Math.floor(sinceMs)));
  }
  if (untilMs !== undefined) {
    query.set("until", timestamp(Math.ceil(untilMs)));
  }
}

export function sameRange(a: Range, b: Range): boolean {
  if ("window" in a || "window" in b) {
    return "window" in a && "window" in b && a.window === b.window;
  }
  return a.sinceMs === b.sinceMs && a.untilMs === b.untilMs;
}

/** Describes a range as the end of a sentence, such as `in the last hour`. Empty if it has no bounds. */
export function rangeLabel(range: Range, format: (ms: number) => string): string {
  if ("window" in range) {
    return `in the last ${LENGTHS[range.window].label}`;
  }
  const { sinceMs, untilMs } = range;
  const since = sinceMs === undefined ? "" : format(sinceMs);
  const until = untilMs === undefined ? "" : format(untilMs);
  if (since !== "" && until !== "") {
    return `from ${since} to ${until}`;
  }
  return since === "" ? until && `before ${until}` : `since ${since}`;
}

/** A time with its offset from UTC. */
function parseTime(text: string | null): number | undefined {
  const { date = "" } = WITH_OFFSET.exec(text ?? "")?.groups ?? {};
  const ms = isDate(date) ? Date.parse((text ?? "").toUpperCase()) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace(MILLISECONDS, "Z");
}
