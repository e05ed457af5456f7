/** Formatting of times in UTC or in the browser's zone, in ISO order for every locale. */

import type { Zone } from "./preferences.ts";

/** Formats as `10:27:44`, or as `10:27:44.123` if `withMs`. */
export function clockTime(ms: number, zone: Zone, withMs = false): string {
  return toZone(ms, zone).slice(11, withMs ? 23 : 19);
}

/** Formats as `2026-11-24 10:27:44`. */
export function dateAndClock(ms: number, zone: Zone): string {
  return toZone(ms, zone).slice(0, 19).replace("T", " ");
}

/** Formats as `10:27:44 UTC`, with the date if it is another day than `nowMs`. */
export function sinceText(ms: number, nowMs: number, zone: Zone): string {
  const [then, now] = [ms, nowMs].map((each) => dateAndClock(each, zone));
  const isToday = then?.slice(0, 10) === now?.slice(0, 10);
  return `${then?.slice(isToday ? 11 : 0)} ${zoneName(zone)}`;
}

/** Returns the start of the day in the zone. */
export function midnight(ms: number, zone: Zone): number {
  const day = new Date(ms);
  return zone === "utc" ? day.setUTCHours(0, 0, 0, 0) : day.setHours(0, 0, 0, 0);
}

/** Formats as `2026-11-24 10:27 UTC`. */
export function minuteAndZone(ms: number, zone: Zone): string {
  return `${dateAndClock(ms, zone).slice(0, 16)} ${zoneName(zone)}`;
}

/** The zone's name for labels. */
export function zoneName(zone: Zone): string {
  return zone === "utc" ? "UTC" : "local";
}

/** Formats a time range. The dates are included if they differ. */
export function formatRange(sinceMs: number, untilMs: number, zone: Zone): string {
  const since = dateAndClock(sinceMs, zone);
  // Rounded up, so that the range includes its end.
  const until = dateAndClock(Math.ceil(untilMs / 1000) * 1000, zone);
  const from = since.slice(0, 10) === until.slice(0, 10) ? 11 : 0;
  const name = zone === "utc" ? " UTC" : "";
  return `${since.slice(from)} and ${until.slice(from)}${name}`;
}

/** Returns the ISO text whose digits are those of the zone. */
function toZone(ms: number, zone: Zone): string {
  const offsetMinutes = zone === "local" ? new Date(ms).getTimezoneOffset() : 0;
  return new Date(ms - offsetMinutes * 60_000).toISOString();
}
