/** Checks for values that come from parsed JSON. */

const UTC_TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d{1,9}))?Z$/u;

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Converts a timestamp like `2026-11-24T10:00:00.123456Z` to microseconds since 1970. Returns undefined for
 * anything else.
 */
export function parseMicros(moment: string): number | undefined {
  const match = UTC_TIMESTAMP.exec(moment);
  // Date has only milliseconds, so the fraction is added separately.
  const seconds = Date.parse(`${moment.slice(0, 19)}Z`);
  if (!match || Number.isNaN(seconds)) {
    return;
  }
  const fraction = (match[1] ?? "").padEnd(6, "0").slice(0, 6);
  return seconds * 1000 + Number(fraction);
}

/** Whether a date such as `2026-02-28` exists. Date.parse takes February 30 for March 2. */
export function isDate(date: string): boolean {
  const ms = Date.parse(`${date}T00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(date);
}
