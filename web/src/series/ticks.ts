/** Where the axes are marked, and with what words. */

import type { Zone } from "../ui/preferences.ts";
import { dateAndClock } from "../ui/time-format.ts";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY_SECONDS = 24 * HOUR;
/** From here on there is no word for the magnitude, so that noughts would be written out. */
const NAMELESS = 1e15;

/** Distances between marks of time that one reads without reckoning, in seconds. */
export const TIME_INCREMENTS: readonly number[] = [
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 4, 6, 12].map((hours) => hours * HOUR),
  ...[1, 2, 4, 7].map((days) => days * DAY_SECONDS),
];

/** The whole multiples of `increment` by the clock on the wall, which is `offset` ahead of UTC; all in seconds. */
export function timeTicks(from: number, until: number, increment: number, offset: number): number[] {
  const first = Math.ceil((from + offset) / increment) * increment - offset;
  const count = Math.max(0, Math.floor((until - first) / increment) + 1);
  return Array.from({ length: count }, (_, index) => first + index * increment);
}

/** How far the zone is ahead of UTC, in seconds. */
export function zoneOffset(ms: number, zone: Zone): number {
  return zone === "local" ? -new Date(ms).getTimezoneOffset() * 60 : 0;
}

/** The time of day; midnight is called by the day that it begins. */
export function timeLabel(ms: number, zone: Zone): string {
  const text = dateAndClock(ms, zone);
  const clock = text.slice(11, 16);
  return clock === "00:00" ? text.slice(5, 10) : clock;
}

/** Labels of numbers that are `increment` apart: with the digits that tell them apart, and no more. */
export function numberLabels(values: readonly number[], increment: number, locale?: string): string[] {
  const most = Math.max(...values.map(Math.abs), 0);
  const digits = Math.min(12, Math.max(0, Math.ceil(-Math.log10(increment) - 1e-9)));
  const format = new Intl.NumberFormat(locale, notation(most, digits));
  return values.map((value) => format.format(value));
}

function notation(most: number, digits: number): Intl.NumberFormatOptions {
  if (most >= NAMELESS) {
    return { notation: "scientific", maximumFractionDigits: 3 };
  }
  return most >= 10_000
    ? { notation: "compact", maximumSignificantDigits: 6 }
    : { minimumFractionDigits: digits, maximumFractionDigits: digits };
}
