/** What is charted: one value for each step of the figures, the empty ones among them. */

import type { Figures, StepFigures } from "../server/stats.ts";
import { approximate } from "../trade/decimal.ts";

export const SUBJECTS = ["messages", "volume", "rate"] as const;

export type Subject = (typeof SUBJECTS)[number];

/** A step that nothing came in is undefined. */
export type Step = StepFigures | undefined;

export interface Steps {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly stepMs: number;
  /** Oldest first, without a hole. */
  readonly list: readonly Step[];
  /** How many of them are over; at least one, so that there is one to speak of. */
  readonly whole: number;
}

/** What there is before the first answer. */
export const NO_STEPS: Steps = { sinceMs: 0, untilMs: 0, stepMs: 60_000, list: [], whole: 0 };

/** More than any window has: what a wrong answer can cost is bounded. */
const STEPS_MAX = 5000;

/** The figures' series with the steps that it leaves out. */
export function allSteps({ sinceMs, untilMs, stepMs, series }: Figures, nowMs: number): Steps {
  const count = Math.min(STEPS_MAX, Math.max(0, Math.round((untilMs - sinceMs) / stepMs)));
  const list = new Array<Step>(count).fill(undefined);
  for (const step of series) {
    const index = Math.round((step.startMs - sinceMs) / stepMs);
    if (index >= 0 && index < count) {
      list[index] = step;
    }
  }
  const whole = Math.min(count, Math.max(1, Math.floor((nowMs - sinceMs) / stepMs)));
  return { sinceMs, untilMs: sinceMs + count * stepMs, stepMs, list, whole };
}

/** What a chart draws: beginnings of steps in seconds since 1970, and the curves. A null is a gap. */
export type Columns = [seconds: number[], ...curves: (number | null)[][]];

/** Messages and volume are one curve, that is zero where nothing came; rates are three: high, low, last. */
export function columns({ sinceMs, stepMs, list }: Steps, subject: Subject): Columns {
  const seconds = list.map((_, index) => (sinceMs + index * stepMs) / 1000);
  switch (subject) {
    case "messages":
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

/** Which step a moment falls into; the nearest one where it falls into none. */
export function stepAt({ sinceMs, stepMs, list }: Steps, ms: number): number {
  return Math.min(list.length - 1, Math.max(0, Math.floor((ms - sinceMs) / stepMs)));
}
