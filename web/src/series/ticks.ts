/** Positions and labels of the axis ticks. */

import { numberFormat } from "../ui/format.ts";
import type { Zone } from "../ui/preferences.ts";
import { dateAndClock } from "../ui/time-format.ts";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY_SECONDS = 24 * HOUR;
const COMPACT_FROM = 10_000;
/** From here on compact notation has no word for the magnitude, and would print many zeros. */
const SCIENTIFIC_FROM = 1e15;
/** Compact labels that are longer than this are not compact. */
const SHORT_CHARACTERS = 8;
/** Amounts and rates have no more. */
const MAX_FRACTION_DIGITS = 12;

/** Tick intervals for counts, which are whole numbers. */
export const COUNT_INCREMENTS: readonly number[] = Array.from({ length: 15 }, (_, exponent) =>
  [1, 2, 5].map((factor) => factor * 10 ** exponent),
).flat();

/** Round tick intervals, in seconds. */
export const TIME_INCREMENTS: readonly number[] = [
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 4, 6, 12].map((hours) => hours * HOUR),
  ...[1, 2, 4, 7].map((days) => days * DAY_SECONDS),
];

/**
 * Multiples of `increment` in local time, which is ahead of UTC by an offset that may change within the range.
 * All in seconds.
 */
export function timeTicks(
  from: number,
  until: number,
  increment: number,
  offsetAt: (seconds: number) => number,
): number[] {
  const ticks: number[] = [];
  let offset = offsetAt(from);
  let local = Math.ceil((from + offset) / increment) * increment;
  while (local - offset <= until) {
    offset = offsetAt(local - offset);
    const tick = local - offset;
    if (tick >= from && tick <= until && tick > (ticks.at(-1) ?? Number.NEGATIVE_INFINITY)) {
      ticks.push(tick);
    }
    local += increment;
  }
  return ticks;
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

/** Labels for numbers that are `increment` apart. Each states its number exactly, in compact notation if that is short. */
export function numberLabels(values: readonly number[], increment: number, locale?: string): string[] {
  const max = Math.max(...values.map(Math.abs), 0);
  if (max >= COMPACT_FROM) {
    const notation = max >= SCIENTIFIC_FROM ? "scientific" : "compact";
    const labels = format(values, { notation, maximumFractionDigits: MAX_FRACTION_DIGITS }, locale);
    if (labels.every(({ length }) => length <= SHORT_CHARACTERS)) {
      return labels;
    }
  }
  const digits = fractionDigits(increment);
  return format(values, { minimumFractionDigits: digits, maximumFractionDigits: digits }, locale);
}

function format(values: readonly number[], options: Intl.NumberFormatOptions, locale?: string): string[] {
  const formatter = numberFormat(options, locale);
  return values.map((value) => formatter.format(value));
}

/** How many digits after the point a number needs: 3 for 0.025. */
function fractionDigits(value: number): number {
  const digits = Array.from({ length: MAX_FRACTION_DIGITS }, (_, index) => index);
  return digits.find((count) => Number(value.toFixed(count)) === value) ?? MAX_FRACTION_DIGITS;
}
