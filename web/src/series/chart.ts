/** The canvas: uPlot, with the page's colours, clock and steps. It is told what to draw, and knows nothing else. */

import uPlot from "uplot";
import { element } from "../ui/dom.ts";
import type { Zone } from "../ui/preferences.ts";
import { area, blocks, line } from "./paths.ts";
import { columns, NO_STEPS, type Steps, type Subject, stepAt } from "./steps.ts";
import { numberLabels, TIME_INCREMENTS, timeLabel, timeTicks, zoneOffset } from "./ticks.ts";

/** Of labels on the axes, in pixels: a digit of their font is not wider. */
const CHARACTER_WIDTH = 6.5;
const LABEL_GAP = 14;
const MARKS_APART = { x: 64, y: 32 };
/** At the right, room for half a moment. */
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
  #subject: Subject = "messages";
  #zone: Zone = "utc";
  #size = { width: 0, height: 0 };
  #colours: Colours | undefined;
  #drawnIn = "";

  /** `place` has the colours: of text, border and accent. */
  constructor(place: HTMLElement) {
    this.#place = place;
  }

  /** Its place has another size, or other colours. Were it asked for them at each draw, the page would be laid out twice. */
  look(): void {
    this.#size = { width: this.#place.clientWidth, height: this.#place.clientHeight };
    this.#colours = coloursOf(this.#place);
  }

  /** Draws what it is given, in the size and the colours of the last look. */
  draw(steps: Steps, subject: Subject, zone: Zone): void {
    const { width, height } = this.#size;
    const colours = this.#colours;
    if (!colours || width === 0 || height === 0) {
      return;
    }
    const drawnIn = Object.values(colours).join();
    if (subject !== this.#subject || drawnIn !== this.#drawnIn) {
      this.#plot?.destroy();
      this.#plot = undefined;
    }
    [this.#steps, this.#subject, this.#zone, this.#drawnIn] = [steps, subject, zone, drawnIn];
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

  /** Marks a step, or none. */
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

  /** The step at a place of the window. */
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
      scales: {
        x: { time: false, range: () => [this.#steps.sinceMs / 1000, this.#steps.untilMs / 1000] },
        y: { range: (_, low, high) => this.#range(low, high) },
      },
      axes: [
        {
          ...axis,
          size: 24,
          space: MARKS_APART.x,
          incrs: [...TIME_INCREMENTS],
          splits: (...[, , from, until, increment]) =>
            timeTicks(from, until, increment, zoneOffset(until * 1000, this.#zone)),
          values: (_, splits) => splits.map((seconds) => timeLabel(seconds * 1000, this.#zone)),
        },
        {
          ...axis,
          space: MARKS_APART.y,
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

  /** Sums stand on zero; rates have room above and below. */
  #range(low: number | null, high: number | null): uPlot.Range.MinMax {
    return this.#subject === "rate"
      ? uPlot.rangeNum(low ?? 0, high ?? 1, 0.1, false)
      : [0, uPlot.rangeNum(0, high || 1, 0.1, true)[1]];
  }
}

/** Canvases know no custom properties: these come by way of properties that the browser computes. */
function coloursOf(place: HTMLElement): Colours {
  const { color, borderTopColor, accentColor } = getComputedStyle(place);
  return {
    text: color,
    grid: borderTopColor,
    curve: accentColor,
    fill: `color-mix(in srgb, ${accentColor} 22%, transparent)`,
  };
}
