/** The canvas, drawn by uPlot with the page's colours, time zone and steps. */

import uPlot from "uplot";
import { element } from "../ui/dom.ts";
import type { Zone } from "../ui/preferences.ts";
import { area, blocks, line } from "./paths.ts";
import { usualRange } from "./scale.ts";
import { columns, NO_STEPS, type Steps, type Subject, stepAt } from "./steps.ts";
import {
  COUNT_INCREMENTS,
  numberLabels,
  TIME_INCREMENTS,
  timeLabel,
  timeTicks,
  zoneOffset,
} from "./ticks.ts";

/** The width of a digit in the axis labels, in pixels. */
const CHARACTER_WIDTH = 6.5;
const LABEL_GAP = 14;
/** Half of the width of an outlier's mark, in pixels. */
const TRIANGLE = 5;
const TICK_SPACING = { x: 64, y: 32 };
/** The right padding holds half of the last time label. */
const PADDING: uPlot.Padding = [8, 18, 0, 0];

interface Colours {
  readonly text: string;
  readonly grid: string;
  readonly curve: string;
  readonly fill: string;
}

export class Chart {
  readonly #place: HTMLElement;
  readonly #marker = element("div", "marker");
  #plot: uPlot | undefined;
  #steps: Steps = NO_STEPS;
  #subject: Subject = "trades";
  #zone: Zone = "utc";
  #size = { width: 0, height: 0 };
  #colours: Colours | undefined;
  #drawnColours = "";

  /** `place` provides the colours: its text, border and accent colour. */
  constructor(place: HTMLElement) {
    this.#place = place;
  }

  /** Reads size and colours from the document. Reading them at each draw would force a second layout. */
  measure(): void {
    this.#size = { width: this.#place.clientWidth, height: this.#place.clientHeight };
    this.#colours = coloursOf(this.#place);
  }

  /** Draws with the size and colours of the last `measure`. */
  draw(steps: Steps, subject: Subject, zone: Zone): void {
    const { width, height } = this.#size;
    const colours = this.#colours;
    if (!colours || width === 0 || height === 0) {
      return;
    }
    const drawnColours = Object.values(colours).join();
    if (subject !== this.#subject || drawnColours !== this.#drawnColours) {
      this.#plot?.destroy();
      this.#plot = undefined;
    }
    [this.#steps, this.#subject, this.#zone, this.#drawnColours] = [steps, subject, zone, drawnColours];
    const data = columns(steps, subject);
    if (!this.#plot) {
      this.#plot = new uPlot({ ...this.#options(colours), width, height }, data, this.#place);
      this.#plot.over.append(this.#marker);
    } else if (this.#plot.width === width && this.#plot.height === height) {
      this.#plot.setData(data);
    } else {
      this.#plot.batch(() => {
        this.#plot?.setSize({ width, height });
        this.#plot?.setData(data);
      });
    }
  }

  /** Marks a step; undefined removes the mark. */
  mark(index: number | undefined): void {
    this.#marker.hidden = index === undefined;
    if (index === undefined || !this.#plot) {
      return;
    }
    const { sinceMs, stepMs } = this.#steps;
    const left = this.#plot.valToPos((sinceMs + index * stepMs) / 1000, "x");
    const right = this.#plot.valToPos((sinceMs + (index + 1) * stepMs) / 1000, "x");
    this.#marker.style.left = `${left}px`;
    this.#marker.style.width = `${Math.max(1, right - left)}px`;
  }

  /** The step at a horizontal position of the window. */
  stepAt(clientX: number): number | undefined {
    if (!this.#plot || this.#steps.list.length === 0) {
      return;
    }
    const { left } = this.#plot.over.getBoundingClientRect();
    return stepAt(this.#steps, this.#plot.posToVal(clientX - left, "x") * 1000);
  }

  #options(colours: Colours): Omit<uPlot.Options, "width" | "height"> {
    const grid = { stroke: colours.grid, width: 1 };
    const font = `11px ${getComputedStyle(this.#place).fontFamily}`;
    const axis = { font, stroke: colours.text, grid, ticks: { ...grid, size: 4 }, gap: 4 };
    return {
      legend: { show: false },
      cursor: { show: false },
      padding: PADDING,
      series: [{}, ...this.#curves(colours)],
      hooks: { draw: [(plot) => this.#markOutliers(plot, colours)] },
      scales: {
        x: { time: false, range: () => [this.#steps.sinceMs / 1000, this.#steps.untilMs / 1000] },
        y: { range: (_, low, high) => this.#range(low, high) },
      },
      axes: [
        {
          ...axis,
          size: 24,
          space: TICK_SPACING.x,
          incrs: [...TIME_INCREMENTS],
          splits: (...[, , from, until, increment]) =>
            timeTicks(from, until, increment, (seconds) => zoneOffset(seconds * 1000, this.#zone)),
          values: (_, splits) => splits.map((seconds) => timeLabel(seconds * 1000, this.#zone)),
        },
        {
          ...axis,
          ...(this.#subject === "trades" ? { incrs: [...COUNT_INCREMENTS] } : {}),
          space: TICK_SPACING.y,
          values: (...[, splits, , , increment]) => numberLabels(splits, increment),
          size: (_, values) =>
            LABEL_GAP +
            Math.ceil(Math.max(3, ...(values ?? []).map(({ length }) => length)) * CHARACTER_WIDTH),
        },
      ],
    };
  }

  #curves({ curve, fill }: Colours): uPlot.Series[] {
    const steps = (): Steps => this.#steps;
    const curved = { stroke: curve, width: 1.5, points: { show: false } };
    const unseen = { points: { show: false }, paths: () => null };
    return this.#subject === "rate"
      ? [{ ...unseen, fill, width: 0, paths: blocks(steps) }, unseen, { ...curved, paths: line(steps) }]
      : [{ ...curved, fill, paths: area(steps) }];
  }

  /** Draws a triangle at the edge for each step with a rate beyond it. */
  #markOutliers(plot: uPlot, { curve }: Colours): void {
    const { min = 0, max = 0 } = plot.scales["y"] ?? {};
    const [seconds, highs = [], lows = []] = plot.data;
    const { top, height } = plot.bbox;
    const size = TRIANGLE * devicePixelRatio;
    plot.ctx.fillStyle = curve;
    for (const [index, second] of this.#subject === "rate" ? seconds.entries() : []) {
      const x = plot.valToPos(second + this.#steps.stepMs / 2000, "x", true);
      if ((highs[index] ?? 0) > (max ?? 0)) {
        triangle(plot.ctx, x, top, size);
      }
      if ((lows[index] ?? Number.POSITIVE_INFINITY) < (min ?? 0)) {
        triangle(plot.ctx, x, top + height, -size);
      }
    }
  }

  /** Totals start at zero. Rates have a margin above and below. */
  #range(low: number | null, high: number | null): uPlot.Range.MinMax {
    if (this.#subject === "rate") {
      const [, highs = [], lows = []] = columns(this.#steps, "rate");
      const usual = usualRange([...highs, ...lows]);
      return uPlot.rangeNum(usual?.min ?? low ?? 0, usual?.max ?? high ?? 1, 0.1, false);
    }
    return [0, uPlot.rangeNum(0, high || 1, 0.1, true)[1]];
  }
}

/** Draws a triangle whose tip is at the given point. */
function triangle(context: CanvasRenderingContext2D, x: number, y: number, size: number): void {
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x - size, y + size);
  context.lineTo(x + size, y + size);
  context.fill();
}

/** A canvas can't use custom properties, so the colours come from standard properties. */
function coloursOf(place: HTMLElement): Colours {
  const { color, borderTopColor, accentColor } = getComputedStyle(place);
  return {
    text: color,
    grid: borderTopColor,
    curve: accentColor,
    fill: `color-mix(in srgb, ${accentColor} 22%, transparent)`,
  };
}
