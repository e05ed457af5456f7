/** Texts of the chart: caption, readout of a step, and a summary for screen readers. */

import { noTrades, type Pair } from "../server/stats-poller.ts";
import { unitsText } from "../trade/decimal.ts";
import { decimalFormat } from "../ui/format.ts";
import type { Zone } from "../ui/preferences.ts";
import { dateAndClock, zoneName } from "../ui/time-format.ts";
import { columns, type Step, type Steps, type Subject } from "./steps.ts";

/** The step lengths that the archive has. */
const EACH: ReadonlyMap<number, string> = new Map([
  [60_000, "a minute"],
  [3_600_000, "an hour"],
  [86_400_000, "a day"],
]);

/** The subject and the pair that are charted. */
export interface Topic {
  readonly subject: Subject;
  /** Undefined for trades of all pairs. */
  readonly pair: Pair | undefined;
  /** Whether the user has selected this pair. If not, it is the busiest one. */
  readonly isSelected: boolean;
}

export class Labels {
  readonly #decimal: (amount: string) => string;

  constructor(locale?: string) {
    this.#decimal = decimalFormat(locale);
  }

  caption({ subject, pair, isSelected }: Topic, stepMs: number): string {
    const each = EACH.get(stepMs) ?? "a step";
    const of = pair ? ` · ${nameOf(pair)}${isSelected ? "" : " (busiest)"}` : "";
    switch (subject) {
      case "trades":
        return `Trades ${each}${of}`;
      case "volume":
        return `Sold ${each}${of}`;
      default:
        return `Rate${of}`;
    }
  }

  /** Time and exact values of a step. */
  readout(topic: Topic, steps: Steps, index: number, zone: Zone): string {
    const startMs = steps.sinceMs + index * steps.stepMs;
    const when = `${formatStart(startMs, steps, zone)} ${zoneName(zone)}`;
    // The last rate of an unfinished step needs no “so far”.
    const soFar = index < steps.complete || topic.subject === "rate" ? "" : " so far";
    return `${when} · ${this.#value(topic, steps.list[index])}${soFar}`;
  }

  #value({ subject, pair }: Topic, step: Step): string {
    const { money, count = 0 } = step ?? {};
    switch (subject) {
      case "trades":
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

  /** Describes the curve: its latest complete step, the highest and the lowest. */
  summary(topic: Topic, steps: Steps, rangeLabel: string, zone: Zone): string {
    const [, high = [], low = high, last = high] = columns(steps, topic.subject);
    const until = steps.complete;
    const latest = bestIndex(last, until, () => true);
    const highest = bestIndex(high, until, (value, before) => value > before);
    const lowest = bestIndex(low, until, (value, before) => value < before);
    if (latest === undefined || highest === undefined || lowest === undefined) {
      return "";
    }
    const at = (index: number): string => this.readout(topic, steps, index, zone);
    return (
      `${`${this.caption(topic, steps.stepMs)} ${rangeLabel}`.trim()}. ` +
      `Latest: ${at(latest)}. Highest: ${at(highest)}. Lowest: ${at(lowest)}.`
    );
  }
}

/** The text in place of an empty curve. */
export function noneText({ pair }: Topic, rangeLabel: string): string {
  return pair ? `${nameOf(pair)} was not traded ${rangeLabel}`.trim().concat(".") : noTrades(rangeLabel);
}

function nameOf({ from, to }: Pair): string {
  return `${from}→${to}`;
}

/** The index of the best value before `until`. */
function bestIndex(
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

/** With the date if the steps span several days. */
function formatStart(ms: number, { sinceMs, untilMs }: Steps, zone: Zone): string {
  const [text, first, last] = [ms, sinceMs, untilMs - 1].map((each) => dateAndClock(each, zone).slice(0, 16));
  const isOneDay = first?.slice(0, 10) === last?.slice(0, 10);
  return text?.slice(isOneDay ? 11 : 5) ?? "";
}
