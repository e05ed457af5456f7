/** How a step looks: flat for as long as it lasted, so that nothing is shown between two figures that nobody knows. */

import type uPlot from "uplot";

type Values = ArrayLike<number | null | undefined>;

/** A flat line for each step, joined where no gap is between them. With `isFilled`, down to zero. */
export function flatSteps(stepSeconds: () => number, isFilled: boolean): uPlot.Series.PathBuilder {
  return (chart, index, first, last) => {
    const stroke = new Path2D();
    const fill = new Path2D();
    const values: Values = chart.data[index] ?? [];
    const floor = chart.valToPos(0, "y", true);
    let isJoined = false;
    for (let at = first; at <= last; at += 1) {
      const value = values[at];
      if (typeof value === "number") {
        const [left, right] = sides(chart, at, stepSeconds());
        const y = chart.valToPos(value, "y", true);
        if (isJoined) {
          stroke.lineTo(left, y);
        } else {
          stroke.moveTo(left, y);
        }
        stroke.lineTo(right, y);
        fill.rect(left, y, right - left, floor - y);
      }
      isJoined = typeof value === "number";
    }
    return isFilled ? { stroke, fill } : { stroke };
  };
}

/** A block for each step, from this curve down to the next one. */
export function blocks(stepSeconds: () => number): uPlot.Series.PathBuilder {
  return (chart, index, first, last) => {
    const fill = new Path2D();
    const high: Values = chart.data[index] ?? [];
    const low: Values = chart.data[index + 1] ?? [];
    for (let at = first; at <= last; at += 1) {
      const [top, bottom] = [high[at], low[at]];
      if (typeof top === "number" && typeof bottom === "number") {
        const [left, right] = sides(chart, at, stepSeconds());
        const y = chart.valToPos(top, "y", true);
        fill.rect(left, y, right - left, chart.valToPos(bottom, "y", true) - y);
      }
    }
    return { fill };
  };
}

/** Where a step begins and ends, on whole pixels: else light would fall between two of them. */
function sides(chart: uPlot, at: number, stepSeconds: number): readonly [left: number, right: number] {
  const seconds = chart.data[0][at] ?? 0;
  return [
    Math.round(chart.valToPos(seconds, "x", true)),
    Math.round(chart.valToPos(seconds + stepSeconds, "x", true)),
  ];
}
