/** What the chart says in words: above it, for what is pointed at, and to those who don't see it. */

import type { Window } from "../filters/address.ts";
import type { Figures } from "../server/stats.ts";
import { type Pair, type Statistics, withoutFigures } from "../server/stats-poller.ts";
import { unitsText } from "../trade/decimal.ts";
import { decimalFormat } from "../ui/format.ts";
import type { Zone } from "../ui/preferences.ts";
import { dateAndClock, zoneName } from "../ui/time-format.ts";
import { columns, type Step, type Steps, type Subject } from "./steps.ts";

/** The steps that the archive has. */
const EACH: ReadonlyMap<number, string> = new Map([
  [60_000, "a minute"],
  [3_600_000, "an hour"],
  [86_400_000, "a day"],
]);

export const WINDOW_WORDS: Readonly<Record<Window, string>> = {
  "15m": "15 minutes",
  "1h": "hour",
  "24h": "24 hours",
  "7d": "7 days",
};

/** What is charted, and of whom. */
export interface Topic {
  readonly subject: Subject;
  /** Undefined for the messages of all pairs. */
  readonly pair: Pair | undefined;
  /** Whether the reader asked for this pair; else it is the busiest. */
  readonly isChosen: boolean;
}

export class Words {
  readonly #decimal: (amount: string) => string;

  constructor(locale?: string) {
    this.#decimal = decimalFormat(locale);
  }

  caption({ subject, pair, isChosen }: Topic, stepMs: number): string {
    const each = EACH.get(stepMs) ?? "a step";
    const of = pair ? ` · ${nameOf(pair)}${isChosen ? "" : " (busiest)"}` : "";
    switch (subject) {
      case "messages":
        return `Trades ${each}${of}`;
      case "volume":
        return `Sold ${each}${of}`;
      default:
        return `Rate${of}`;
    }
  }

  /** The moment and the exact figures of a step. */
  readOut(topic: Topic, steps: Steps, index: number, zone: Zone): string {
    const startMs = steps.sinceMs + index * steps.stepMs;
    const when = `${moment(startMs, steps, zone)} ${zoneName(zone)}`;
    // A last rate is one so far by its nature.
    const soFar = index < steps.whole || topic.subject === "rate" ? "" : " so far";
    return `${when} · ${this.#value(topic, steps.list[index])}${soFar}`;
  }

  #value({ subject, pair }: Topic, step: Step): string {
    const { money, count = 0 } = step ?? {};
    switch (subject) {
      case "messages":
        return `${this.#decimal(String(count))} ${count === 1 ? "trade" : "trades"}`;
      case "volume":
        return `${this.#decimal(unitsText(money?.sold ?? 0n))} ${pair?.from ?? ""}`;
      default:
        return money
          ? `last ${this.#units(money.last)} · low ${this.#units(money.low)} · high ${this.#units(money.high)}`
          : "not traded";
    }
  }

  #units(units: bigint): string {
    return this.#decimal(unitsText(units));
  }

  /** The whole curve in a few words: its last step that is over, the highest, and the lowest. */
  summary(topic: Topic, steps: Steps, window: Window, zone: Zone): string {
    const [, high = [], low = high, last = high] = columns(steps, topic.subject);
    const until = steps.whole;
    const latest = best(last, until, () => true);
    const highest = best(high, until, (value, before) => value > before);
    const lowest = best(low, until, (value, before) => value < before);
    if (latest === undefined || highest === undefined || lowest === undefined) {
      return "";
    }
    const at = (index: number): string => this.readOut(topic, steps, index, zone);
    return (
      `${this.caption(topic, steps.stepMs)}, over the last ${WINDOW_WORDS[window]}. ` +
      `Latest: ${at(latest)}. Highest: ${at(highest)}. Lowest: ${at(lowest)}.`
    );
  }
}

/** What there is to say instead of the curve. */
export function remark(
  { subject, pair }: Topic,
  figures: Figures | undefined,
  statistics: Statistics,
  window: Window,
): string {
  const isPairless = subject !== "messages" && !pair && statistics.pairs !== undefined;
  if (!(figures || isPairless)) {
    return withoutFigures(statistics);
  }
  if (figures && figures.series.length > 0) {
    return "";
  }
  return pair
    ? `${nameOf(pair)} was not traded in the last ${WINDOW_WORDS[window]}.`
    : `Nothing was traded in the last ${WINDOW_WORDS[window]}.`;
}

function nameOf({ from, to }: Pair): string {
  return `${from}→${to}`;
}

/** Where, before `until`, the value is that none of those after it is better than. */
function best(
  values: readonly (number | null)[],
  until: number,
  isBetter: (value: number, before: number) => boolean,
): number | undefined {
  let found: { readonly index: number; readonly value: number } | undefined;
  for (const [index, value] of values.slice(0, until).entries()) {
    if (value !== null && (!found || isBetter(value, found.value))) {
      found = { index, value };
    }
  }
  return found?.index;
}

/** With its day where the steps span more than one. */
function moment(ms: number, { sinceMs, untilMs }: Steps, zone: Zone): string {
  const [text, first, last] = [ms, sinceMs, untilMs - 1].map((each) => dateAndClock(each, zone).slice(0, 16));
  const isOneDay = first?.slice(0, 10) === last?.slice(0, 10);
  return text?.slice(isOneDay ? 11 : 5) ?? "";
}
