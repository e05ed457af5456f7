/** Positions and labels of the axis ticks. */

import type { Zone } from "../ui/preferences.ts";
import { dateAndClock } from "../ui/time-format.ts";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY_SECONDS = 24 * HOUR;
/** From here on compact notation has no word for the magnitude, and would print many zeros. */
const SCIENTIFIC_FROM = 1e15;

/** Round tick intervals, in seconds. */
export const TIME_INCREMENTS: readonly number[] = [
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 4, 6, 12].map((hours) => hours * HOUR),
  ...[1, 2, 4, 7].map((days) => days * DAY_SECONDS),
];

/** Multiples of `increment` in local time, which is `offset` ahead of UTC. All in seconds. */
export function timeTicks(from: number, until: number, increment: number, offset: number): number[] {
  const first = Math.ceil((from + offset) / increment) * increment - offset;
  const count = Math.max(0, Math.floor((until - first) / increment) + 1);
  return Array.from({ length: count }, (_, index) => first + index * increment);
}

/** The zone's offset from UTC, in seconds. */
export function zoneOffset(ms: number, zone: Zone): number {
  return zone === "local" ? -new Date(ms).getTimezoneOffset() * 60 : 0;
}

/** The time of day, or the date at midnight. */
export function timeLabel(ms: number, zone: Zone): string {
  const text = dateAndClock(ms, zone);
  const clock = text.slice(11, 16);
  return clock === "00:00" ? text.slice(5, 10) : clock;
}

/** Labels for numbers that are `increment` apart, with just enough digits to tell them apart. */
export function numberLabels(values: readonly number[], increment: number, locale?: string): string[] {
  const max = Math.max(...values.map(Math.abs), 0);
  const digits = Math.min(12, Math.max(0, Math.ceil(-Math.log10(increment) - 1e-9)));
  const format = new Intl.NumberFormat(locale, notation(max, digits));
  return values.map((value) => format.format(value));
}

function notation(max: number, digits: number): Intl.NumberFormatOptions {
  if (max >= SCIENTIFIC_FROM) {
    return { notation: "scientific", maximumFractionDigits: 3 };
  }
  return max >= 10_000
    ? { notation: "compact", maximumSignificantDigits: 6 }
    : { minimumFractionDigits: digits, maximumFractionDigits: digits };
}
