/** Moments as the reader wants them: in UTC, or by the clock on the wall. ISO's order, whatever the locale. */

import type { Zone } from "./preferences.ts";

/** `10:27:44`, or with `fine` `10:27:44.123`. */
export function clockTime(ms: number, zone: Zone, fine = false): string {
  return shifted(ms, zone).slice(11, fine ? 23 : 19);
}

/** `2026-11-24 10:27:44`. */
export function dateAndClock(ms: number, zone: Zone): string {
  return shifted(ms, zone).slice(0, 19).replace("T", " ");
}

/** What to call the zone: `UTC`, or what the browser calls its own. */
export function zoneName(zone: Zone): string {
  return zone === "utc" ? "UTC" : "local";
}

/** A stretch of time; the date is given where it takes more than a day's clock. */
export function period(sinceMs: number, untilMs: number, zone: Zone): string {
  const since = dateAndClock(sinceMs, zone);
  // The end is rounded up: a period must hold all that it speaks of.
  const until = dateAndClock(Math.ceil(untilMs / 1000) * 1000, zone);
  const from = since.slice(0, 10) === until.slice(0, 10) ? 11 : 0;
  const name = zone === "utc" ? " UTC" : "";
  return `${since.slice(from)} and ${until.slice(from)}${name}`;
}

/** The moment whose UTC digits are those that are wanted. */
function shifted(ms: number, zone: Zone): string {
  const offsetMinutes = zone === "local" ? new Date(ms).getTimezoneOffset() : 0;
  return new Date(ms - offsetMinutes * 60_000).toISOString();
}
