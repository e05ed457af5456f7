/**
 * The figures of the map, the series, the pairs and the state line: asked of the archive every few seconds, and
 * carried forward by what comes live in between.
 *
 * A chart in which one picks (a country, a pair) must go on showing what there is to pick from: it asks for
 * everything but its own filter. Questions that come out the same are asked once.
 */

import type { Address } from "../filters/address.ts";
import type { Filters } from "../filters/filters.ts";
import { isRecord, type Update } from "../trade/event.ts";
import type { Fetch } from "./fetch.ts";
import { dealOf, type Pair, type Scope, Sheet } from "./live-aggregate.ts";
import { type Figures, parseFigures } from "./stats.ts";
import type { Timer, Timing } from "./timing.ts";

export type { Pair } from "./live-aggregate.ts";

/**
 * What is known of the figures at one moment: replaced when they change, never changed in place. Figures are of the
 * filters and the window of now, or undefined: those of other ones would stand under a wrong name.
 */
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
  /** Why there are no newer figures, in words, which one line says for all panels; empty where nothing is wrong. */
  readonly trouble: string;
  /** Which filters the figures leave out of account, in words; empty where none. */
  readonly leavesOut: string;
}

type Slot = "messages" | "countries" | "pairs" | "focus" | "days";

interface Question {
  readonly scope: Scope;
  readonly path: string;
}

const EVERY_MS = 8000;
const ANSWER_WITHIN_MS = 20_000;
/** Figures that change more often can’t be read; and to lay out a table of 200 pairs takes longer than a frame. */
const CHANGE_EVERY_MS = 500;

const NONE: Statistics = {
  messages: undefined,
  countries: undefined,
  pairs: undefined,
  focus: undefined,
  days: undefined,
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
  /** What is wanted now. */
  #questions: ReadonlyMap<Slot, Question> = new Map();
  /** By the path that was asked for: an answer is never taken for one to another question. */
  readonly #sheets = new Map<string, Sheet>();
  #focus: Pair | undefined;
  #timer: Timer | undefined;
  #isVisible = true;
  /** Each round of questions has a number: what answers an earlier one is not wanted any more. */
  #round = 0;
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
    for (const deal of updates.map(dealOf)) {
      for (const sheet of this.#sheets.values()) {
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
      this.#want();
      this.#tell();
      this.#ask(this.#round);
    }
  }

  async #ask(round: number): Promise<void> {
    const questions = new Map([...this.#questions.values()].map((question) => [question.path, question]));
    try {
      for (const question of questions.values()) {
        // biome-ignore lint/performance/noAwaitInLoops: one after the other is gentle to the archive
        const figures = await this.#answer(question.path);
        if (round !== this.#round) {
          return;
        }
        this.#sheets.set(question.path, new Sheet(question.scope, figures, this.#sources.serverNow()));
        this.#tell();
      }
      this.#trouble = "";
    } catch (error) {
      if (round !== this.#round) {
        return;
      }
      this.#trouble = error instanceof Refused ? error.message : "The figures can’t be had at the moment.";
      console.warn("Tradewire: no statistics:", error);
    }
    this.#tell();
    this.#timer = this.#sources.timing.setTimer(() => {
      this.#want();
      this.#ask(round);
    }, EVERY_MS);
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

  /** Finds out what is to be asked, and forgets the answers to anything else. */
  #want(): void {
    this.#questions = this.#allQuestions();
    const paths = new Set([...this.#questions.values()].map(({ path }) => path));
    for (const path of this.#sheets.keys()) {
      if (!paths.has(path)) {
        this.#sheets.delete(path);
      }
    }
  }

  #allQuestions(): ReadonlyMap<Slot, Question> {
    const { filters, window } = this.#sources.address;
    const pair = filters.from && filters.to ? { from: filters.from, to: filters.to } : undefined;
    const country = filters.country || undefined;
    const within = (scope: Scope): Question => ({ scope, path: pathOf({ window }, scope) });
    const all = { pair: undefined, country: undefined };
    const days = pathOf({ since: twoDaysAgo(this.#sources.serverNow()) }, all);
    return new Map<Slot, Question>([
      ["messages", within({ pair, country })],
      ["countries", within({ pair, country: undefined })],
      ["pairs", within({ pair: undefined, country })],
      ...(this.#focus ? [["focus", within({ pair: this.#focus, country })] as const] : []),
      ["days", { scope: all, path: days }],
    ]);
  }

  #tell(): void {
    this.#isStale = false;
    const figures = Object.fromEntries(
      [...this.#questions].map(([slot, { path }]) => [slot, this.#sheets.get(path)?.figures]),
    );
    this.#latest = {
      ...NONE,
      ...figures,
      trouble: this.#trouble,
      leavesOut: leavesOut(this.#sources.address.filters),
    };
    this.#sources.changed();
  }
}

/** What a panel says in place of figures. */
export function withoutFigures({ trouble }: Pick<Statistics, "trouble">): string {
  return trouble === "" ? "Loading…" : "No figures.";
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
    (from === "") === (to === "") ? "" : "currency (but for the pairs)",
    user && "user",
    flag && "flag",
    (min || max) && "amount",
    q && "search",
  ].filter((name) => name !== "");
  return names.length > 0 ? `The figures ignore ${new Intl.ListFormat("en").format(names)}.` : "";
}
