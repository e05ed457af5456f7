/** The charted values: one for each step, including empty ones. */

import { SERIES_STEPS_MAX } from "../server/limits.ts";
import type { Stats, StepStats } from "../server/stats.ts";
import { approximate } from "../trade/decimal.ts";

export const SUBJECTS = ["trades", "volume", "rate"] as const;

export type Subject = (typeof SUBJECTS)[number];

/** Undefined if no trade was received. */
export type Step = StepStats | undefined;

export interface Steps {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly stepMs: number;
  /** Oldest first, without gaps. */
  readonly list: readonly Step[];
  /** How many steps are over; at least one, so that there is one to describe. */
  readonly complete: number;
}

/** Before the first answer. */
export const NO_STEPS: Steps = { sinceMs: 0, untilMs: 0, stepMs: 60_000, list: [], complete: 0 };

/** Fewer would be no chart: the age of the archive or of a pair may be a single step. */
const STEPS_MIN = 30;
/** More than any chart has room for: of days, 13 years. */
const STEPS_MAX = 5000;

/**
 * The series, completed with the empty steps that the answer omits. If the range has more steps than usual, it begins
 * long before the archive does, and the series begins with the first trade, or 30 steps ago if that is earlier. If
 * that has too many, too, it has the newest steps.
 */
export function allSteps({ sinceMs: startMs, untilMs: endMs, stepMs, series }: Stats, nowMs: number): Steps {
  const steps = (fromMs: number): number =>
    Math.max(0, Math.ceil(endMs / stepMs) - Math.floor(fromMs / stepMs));
  const firstMs = steps(startMs) > SERIES_STEPS_MAX ? (series[0]?.startMs ?? endMs) : startMs;
  const count = Math.min(STEPS_MAX, Math.max(steps(firstMs), Math.min(STEPS_MIN, steps(startMs))));
  const sinceMs = (Math.ceil(endMs / stepMs) - count) * stepMs;
  const list = new Array<Step>(count).fill(undefined);
  for (const step of series) {
    const index = Math.round((step.startMs - sinceMs) / stepMs);
    if (index >= 0 && index < count) {
      list[index] = step;
    }
  }
  const complete = Math.min(count, Math.max(1, Math.floor((nowMs - sinceMs) / stepMs)));
  return { sinceMs, untilMs: sinceMs + count * stepMs, stepMs, list, complete };
}

/** uPlot's input: the steps' start times in seconds since 1970, and the curves. A null is a gap. */
export type Columns = [seconds: number[], ...curves: (number | null)[][]];

/** Trades and volume have one curve, zero for empty steps. The rate has three: high, low, last. */
export function columns({ sinceMs, stepMs, list }: Steps, subject: Subject): Columns {
  const seconds = list.map((_, index) => (sinceMs + index * stepMs) / 1000);
  switch (subject) {
    case "trades":
      return [seconds, list.map((step) => step?.count ?? 0)];
    case "volume":
      return [seconds, list.map((step) => (step?.money ? approximate(step.money.sold) : 0))];
    default: {
      const rates = (which: "high" | "low" | "last"): (number | null)[] =>
        list.map((step) => (step?.money ? approximate(step.money[which]) : null));
      return [seconds, rates("high"), rates("low"), rates("last")];
    }
  }
}

/** The index of the step at a time, clamped to the range. */
export function stepAt({ sinceMs, stepMs, list }: Steps, ms: number): number {
  return Math.min(list.length - 1, Math.max(0, Math.floor((ms - sinceMs) / stepMs)));
}
