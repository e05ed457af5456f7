/** The time range of the whole page: buttons for the usual ones, and a form for any other. */

import {
  ALL,
  isEmptySpan,
  type Range,
  type Span,
  sameRange,
  WINDOWS,
  type Window,
} from "../filters/range.ts";
import { byId, setText } from "../ui/dom.ts";
import type { Zone } from "../ui/preferences.ts";
import { RadioGroup } from "../ui/radio-group.ts";
import { dateAndClock, zoneName } from "../ui/time-format.ts";
import { parseTyped } from "./typed-time.ts";

type Choice = Window | "all";

const LABELS = { ...Object.fromEntries(WINDOWS.map((window) => [window, window])), all: "All" } as Readonly<
  Record<Choice, string>
>;

export class RangePicker {
  readonly #set: (range: Range) => void;
  readonly #choices: RadioGroup<Choice>;
  readonly #menu = byId("span", HTMLDetailsElement);
  readonly #open = byId("span-open", HTMLElement);
  readonly #since = byId("span-since", HTMLInputElement);
  readonly #until = byId("span-until", HTMLInputElement);
  readonly #zoneNote = byId("span-zone", HTMLElement);
  readonly #hint = byId("span-hint", HTMLElement);
  #range: Range | undefined;
  #zone: Zone | undefined;

  /** `set` is called with a range that was picked. */
  constructor(set: (range: Range) => void) {
    this.#set = set;
    this.#choices = new RadioGroup("Time range", LABELS, (choice) => {
      set(choice === "all" ? ALL : { window: choice });
    });
    byId("windows", HTMLElement).append(this.#choices.element);
    byId("span-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#apply();
    });
  }

  paint(range: Range, zone: Zone): void {
    if (range === this.#range && zone === this.#zone) {
      return;
    }
    this.#range = range;
    this.#zone = zone;
    this.#choices.select(choiceOf(range));
    const span = "window" in range ? ALL : range;
    for (const [input, ms] of [
      [this.#since, span.sinceMs],
      [this.#until, span.untilMs],
    ] as const) {
      input.value = ms === undefined ? "" : minute(ms, zone);
      input.ariaInvalid = "false";
    }
    setText(this.#hint, "");
    setText(this.#zoneNote, `${zone === "utc" ? "UTC" : "Local time"}. Without a time, whole days.`);
    setText(this.#open, spanLabel(span, zone));
    this.#open.classList.toggle("chosen", !sameRange(span, ALL));
  }

  #apply(): void {
    const span = { sinceMs: this.#read(this.#since, false), untilMs: this.#read(this.#until, true) };
    const problem = this.#problem(span);
    setText(this.#hint, problem);
    if (problem === "") {
      this.#menu.open = false;
      this.#open.focus();
      this.#set(span);
    }
  }

  #read(input: HTMLInputElement, isEnd: boolean): number | undefined {
    const ms = parseTyped(input.value, this.#zone ?? "utc", isEnd);
    input.ariaInvalid = String(ms === undefined && input.value.trim() !== "");
    return ms;
  }

  #problem(span: Span): string {
    if ([this.#since, this.#until].some(({ ariaInvalid }) => ariaInvalid === "true")) {
      return "Enter a date such as 2026-11-24, or a time such as 2026-11-24 09:30.";
    }
    return isEmptySpan(span) ? "“To” must be later than “From”." : "";
  }
}

function choiceOf(range: Range): Choice | undefined {
  if ("window" in range) {
    return range.window;
  }
  return sameRange(range, ALL) ? "all" : undefined;
}

/** Such as `2026-11-24 10:00 – 11:00 UTC`. */
function spanLabel({ sinceMs, untilMs }: Span, zone: Zone): string {
  if (sinceMs === undefined && untilMs === undefined) {
    return "From–to";
  }
  const since = sinceMs === undefined ? "…" : minute(sinceMs, zone);
  const until = untilMs === undefined ? "now" : minute(untilMs, zone);
  const isOneDay = since.slice(0, 10) === until.slice(0, 10);
  return `${since} – ${isOneDay ? until.slice(11) : until} ${zoneName(zone)}`;
}

function minute(ms: number, zone: Zone): string {
  return dateAndClock(ms, zone).slice(0, 16);
}
