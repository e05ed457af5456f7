/**
 * Paths of the curves. A step is a flat line over its whole duration, because nothing is known in between.
 */

import type uPlot from "uplot";
import type { Steps } from "./steps.ts";

type Values = ArrayLike<number | null | undefined>;

/** A flat line per step. Adjacent steps are joined. */
export function line(steps: () => Steps): uPlot.Series.PathBuilder {
  return (chart, index, first, last) => ({ stroke: flatLine(chart, index, [first, last], steps()) });
}

/** The same with a filled area. The unfinished step has the area only, because it will grow. */
export function area(steps: () => Steps): uPlot.Series.PathBuilder {
  return (chart, index, first, last) => {
    const fill = new Path2D();
    const floor = chart.valToPos(0, "y", true);
    for (const { left, right, y } of segments(chart, index, [first, last], steps())) {
      fill.rect(left, y, visibleWidth(left, right), floor - y);
    }
    const over = Math.min(last, steps().complete - 1);
    return { fill, stroke: flatLine(chart, index, [first, over], steps()) };
  };
}

/** A block per step, from this curve down to the next one. */
export function blocks(steps: () => Steps): uPlot.Series.PathBuilder {
  return (chart, index, first, last) => {
    const fill = new Path2D();
    const low: Values = chart.data[index + 1] ?? [];
    for (const { at, left, right, y } of segments(chart, index, [first, last], steps())) {
      fill.rect(left, y, visibleWidth(left, right), chart.valToPos(low[at] ?? 0, "y", true) - y);
    }
    return { fill };
  };
}

/** A step narrower than a pixel stays visible. */
function visibleWidth(left: number, right: number): number {
  return Math.max(1, right - left);
}

function flatLine(chart: uPlot, index: number, range: readonly [number, number], steps: Steps): Path2D {
  const stroke = new Path2D();
  let before: number | undefined;
  for (const { at, left, right, y } of segments(chart, index, range, steps)) {
    if (at - 1 === before) {
      stroke.lineTo(left, y);
    } else {
      stroke.moveTo(left, y);
    }
    stroke.lineTo(right, y);
    before = at;
  }
  return stroke;
}

interface Segment {
  readonly at: number;
  readonly left: number;
  readonly right: number;
  readonly y: number;
}

/** The steps that have a value, aligned to whole pixels, so that no gaps show between them. */
function segments(
  chart: uPlot,
  index: number,
  [first, last]: readonly [number, number],
  { stepMs }: Steps,
): readonly Segment[] {
  const values: Values = chart.data[index] ?? [];
  const found: Segment[] = [];
  for (let at = first; at <= last; at += 1) {
    const value = values[at];
    if (typeof value === "number") {
      const seconds = chart.data[0][at] ?? 0;
      found.push({
        at,
        left: Math.round(chart.valToPos(seconds, "x", true)),
        right: Math.round(chart.valToPos(seconds + stepMs / 1000, "x", true)),
        y: chart.valToPos(value, "y", true),
      });
    }
  }
  return found;
}
