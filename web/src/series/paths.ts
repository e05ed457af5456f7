/** How a step looks: flat for as long as it lasts, so that nothing is shown between two figures that nobody knows. */

import type uPlot from "uplot";
import type { Steps } from "./steps.ts";

type Values = ArrayLike<number | null | undefined>;

/** A flat line for each step, joined to the one before where there is no gap. */
export function line(steps: () => Steps): uPlot.Series.PathBuilder {
  return (chart, index, first, last) => ({ stroke: flatLine(chart, index, [first, last], steps()) });
}

/** The same on a filled ground; a step that is not over has the ground alone, for it will grow. */
export function area(steps: () => Steps): uPlot.Series.PathBuilder {
  return (chart, index, first, last) => {
    const fill = new Path2D();
    const floor = chart.valToPos(0, "y", true);
    for (const { left, right, y } of flats(chart, index, [first, last], steps())) {
      fill.rect(left, y, breadth(left, right), floor - y);
    }
    const over = Math.min(last, steps().whole - 1);
    return { fill, stroke: flatLine(chart, index, [first, over], steps()) };
  };
}

/** A block for each step, from this curve down to the next one. */
export function blocks(steps: () => Steps): uPlot.Series.PathBuilder {
  return (chart, index, first, last) => {
    const fill = new Path2D();
    const low: Values = chart.data[index + 1] ?? [];
    for (const { at, left, right, y } of flats(chart, index, [first, last], steps())) {
      fill.rect(left, y, breadth(left, right), chart.valToPos(low[at] ?? 0, "y", true) - y);
    }
    return { fill };
  };
}

/** A step that is narrower than a pixel is seen all the same: of several on one pixel, it spans them all. */
function breadth(left: number, right: number): number {
  return Math.max(1, right - left);
}

function flatLine(chart: uPlot, index: number, range: readonly [number, number], steps: Steps): Path2D {
  const stroke = new Path2D();
  let before: number | undefined;
  for (const { at, left, right, y } of flats(chart, index, range, steps)) {
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

interface Flat {
  readonly at: number;
  readonly left: number;
  readonly right: number;
  readonly y: number;
}

/** Where the steps lie that have a value, from side to side on whole pixels: else light would fall between two. */
function flats(
  chart: uPlot,
  index: number,
  [first, last]: readonly [number, number],
  { stepMs }: Steps,
): readonly Flat[] {
  const values: Values = chart.data[index] ?? [];
  const found: Flat[] = [];
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
