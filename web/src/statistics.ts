/**
 * The figures of the map, the series, the pairs and the state line: asked of the archive every few seconds, and
 * carried forward by what comes live in between.
 *
 * A chart in which one picks (a country, a pair) must go on showing what there is to pick from: it asks for
 * everything but its own filter. Questions that come out the same are asked once.
 */

import type { Address } from "./address.ts";
import { type Figures, parseFigures } from "./figures.ts";
import type { Filters } from "./filters.ts";
import type { Fetch } from "./page.ts";
import { dealOf, type Pair, type Scope, Sheet } from "./sheet.ts";
import type { Timer, Timing } from "./timing.ts";
import { isRecord, type Update } from "./update.ts";

export type { Pair } from "./sheet.ts";

/** What is known of the figures at one moment: replaced when they change, never changed in place. */
export interface Statistics {
  /** Of what is filtered: total and series. Money is in the series where both currencies are filtered. */
  readonly messages: Figures | undefined;
  /** By country, whichever country is filtered. */
  readonly countries: Figures | undefined;
  /** By pair, whichever pair is filtered. */
  readonly pairs: Figures | undefined;
  /** Of the pair that `focusOn` asked for last, with money in the series. */
  readonly focus: Figures | undefined;
  /** Of the last two days and today, by the hour, whatever is filtered. */
  readonly days: Figures | undefined;
  /** Whether the figures are still those of the filters and the window before. */
  readonly isLoading: boolean;
  /** Why there are no newer figures, in words; empty where nothing is wrong. */
  readonly trouble: string;
  /** Which filters the figures leave out of account, in words; empty where none. */
  readonly leavesOut: string;
}

const SLOTS = ["messages", "countries", "pairs", "focus", "days"] as const;

type Slot = (typeof SLOTS)[number];

interface Question {
  readonly scope: Scope;
  readonly path: string;
}

const EVERY_MS = 8000;
const ANSWER_WITHIN_MS = 20_000;
/** Figures that change more often can't be read. */
const CHANGE_EVERY_MS = 250;

const NONE: Statistics = {
  messages: undefined,
  countries: undefined,
  pairs: undefined,
  focus: undefined,
  days: undefined,
  isLoading: true,
  trouble: "",
  leavesOut: "",
};

export interface Sources {
  readonly timing: Timing;
  readonly fetch: Fetch;
  readonly address: Address;
  /** The server's clock, in milliseconds since 1970. */
  readonly serverNow: () => number;
  /** Called when there is something new to paint. */
  readonly changed: () => void;
}

export class StatisticsSource {
  readonly #sources: Sources;
  readonly #sheets = new Map<Slot, Sheet>();
  #focus: Pair | undefined;
  #timer: Timer | undefined;
  #isVisible = true;
  /** Each round of questions has a number: what answers an earlier one is not wanted any more. */
  #round = 0;
  #isLoading = true;
  #trouble = "";
  #latest = NONE;
  #isStale = false;
  #pending: Timer | undefined;

  constructor(sources: Sources) {
    this.#sources = sources;
    sources.address.onChange(() => this.#askAnew());
  }

  start(): void {
    this.#askAnew();
  }

  get latest(): Statistics {
    return this.#latest;
  }

  show(isVisible: boolean): void {
    this.#isVisible = isVisible;
    this.#askAnew();
  }

  focusOn(pair: Pair | undefined): void {
    if (pair?.from !== this.#focus?.from || pair?.to !== this.#focus?.to) {
      this.#focus = pair;
      this.#askAnew();
    }
  }

  /** Counts trades that came live. Those that come while no one looks are in the answer after that. */
  add(updates: readonly Update[]): void {
    if (!this.#isVisible) {
      return;
    }
    const sheets = [...new Set(this.#sheets.values())];
    for (const deal of updates.map(dealOf)) {
      for (const sheet of sheets) {
        this.#isStale = sheet.add(deal) || this.#isStale;
      }
    }
    if (this.#isStale && this.#pending === undefined) {
      this.#pending = this.#sources.timing.setTimer(() => {
        this.#pending = undefined;
        this.#tell();
      }, CHANGE_EVERY_MS);
    }
  }

  #askAnew(): void {
    if (this.#timer !== undefined) {
      this.#sources.timing.clearTimer(this.#timer);
      this.#timer = undefined;
    }
    this.#round += 1;
    if (this.#isVisible) {
      this.#isLoading = true;
      this.#tell();
      this.#ask(this.#round);
    }
  }

  async #ask(round: number): Promise<void> {
    const questions = this.#questions();
    const slots = new Map<string, Slot[]>();
    for (const [slot, { path }] of questions) {
      slots.set(path, [...(slots.get(path) ?? []), slot]);
    }
    try {
      for (const [path, wanting] of slots) {
        // biome-ignore lint/performance/noAwaitInLoops: one after the other is gentle to the archive
        const figures = await this.#answer(path);
        if (round !== this.#round) {
          return;
        }
        this.#take(wanting, figures, questions);
      }
      this.#trouble = "";
    } catch (error) {
      if (round !== this.#round) {
        return;
      }
      this.#trouble = error instanceof Refused ? error.message : "The figures can’t be had at the moment.";
      console.warn("Tradewire: no statistics:", error);
    }
    this.#isLoading = false;
    this.#tell();
    this.#timer = this.#sources.timing.setTimer(() => this.#ask(round), EVERY_MS);
  }

  #take(slots: readonly Slot[], figures: Figures, questions: ReadonlyMap<Slot, Question>): void {
    const cameMs = this.#sources.serverNow();
    const [first] = slots;
    const question = first && questions.get(first);
    if (question) {
      const sheet = new Sheet(question.scope, figures, cameMs);
      for (const slot of slots) {
        this.#sheets.set(slot, sheet);
      }
    }
    this.#tell();
  }

  async #answer(path: string): Promise<Figures> {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    const headers = { accept: "application/json" };
    const response = await this.#sources.fetch(path, { headers, cache: "no-store", signal });
    if (response.status === 400) {
      throw new Refused(refusal(await response.json()));
    }
    if (!response.ok) {
      throw new Error(`the statistics answered ${response.status}`);
    }
    return parseFigures(await response.json());
  }

  #questions(): ReadonlyMap<Slot, Question> {
    const { filters, window } = this.#sources.address;
    const pair = filters.from && filters.to ? { from: filters.from, to: filters.to } : undefined;
    const country = filters.country || undefined;
    const within = (scope: Scope): Question => ({ scope, path: pathOf({ window }, scope) });
    const questions = new Map<Slot, Question>([
      ["messages", within({ pair, country })],
      ["countries", within({ pair, country: undefined })],
      ["pairs", within({ pair: undefined, country })],
    ]);
    if (this.#focus) {
      questions.set("focus", within({ pair: this.#focus, country }));
    } else {
      this.#sheets.delete("focus");
    }
    const all = { pair: undefined, country: undefined };
    questions.set("days", {
      scope: all,
      path: pathOf({ since: twoDaysAgo(this.#sources.serverNow()) }, all),
    });
    return questions;
  }

  #tell(): void {
    this.#isStale = false;
    const figures = Object.fromEntries(SLOTS.map((slot) => [slot, this.#sheets.get(slot)?.figures]));
    this.#latest = {
      ...NONE,
      ...figures,
      isLoading: this.#isLoading,
      trouble: this.#trouble,
      leavesOut: leavesOut(this.#sources.address.filters),
    };
    this.#sources.changed();
  }
}

/** The question itself was at fault: asking it again won't help. */
class Refused extends Error {}

function pathOf(stretch: Readonly<Record<string, string>>, { pair, country }: Scope): string {
  const query = new URLSearchParams(stretch);
  if (pair) {
    query.set("from", pair.from);
    query.set("to", pair.to);
  }
  if (country !== undefined) {
    query.set("country", country);
  }
  return `/api/stats?${query}`;
}

/** The day before yesterday's beginning: of so long a time the archive gives hours, which are few. */
function twoDaysAgo(nowMs: number): string {
  const day = new Date(nowMs);
  day.setUTCHours(-48, 0, 0, 0);
  return day.toISOString();
}

function refusal(answer: unknown): string {
  const errors = isRecord(answer) ? answer["errors"] : undefined;
  const [first]: unknown[] = Array.isArray(errors) ? errors : [];
  return isRecord(first) && typeof first["detail"] === "string"
    ? first["detail"]
    : "The question was refused.";
}

function leavesOut({ from, to, user, flag, min, max, q }: Filters): string {
  const names = [
    (from === "") === (to === "") ? "" : "currency",
    user && "user",
    flag && "flag",
    (min || max) && "amount",
    q && "search",
  ].filter((name) => name !== "");
  return names.length > 0 ? `The figures ignore ${new Intl.ListFormat("en").format(names)}.` : "";
}
