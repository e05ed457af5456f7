/**
 * The archive's trades below a place in the list, page by page, as far down as someone has scrolled.
 *
 * Only pages near what is in sight are held. Of the others we keep where they begin and how long they are: so the
 * list keeps its length, and one who scrolls back up is given them again.
 */

import type { Filters } from "../filters/filters.ts";
import type { Ask, Page } from "../server/archive.ts";
import type { Timing } from "../server/timing.ts";
import { newestFirst, parseUpdate, type Update } from "../trade/event.ts";

/** What is nearer than so many rows is asked for before it comes into sight. */
export const AHEAD_ROWS = 200;
const PAGE_ROWS = 200;
/** What is farther than this is forgotten. */
const KEPT_ROWS = 2000;
/** Browsers make nothing much higher than so many rows. */
const MOST_ROWS = 500_000;
/** A page may be empty and not the last, where little matches: then the archive is not asked as fast as it answers. */
const AFTER_EMPTY_MS = 200;
const AFTER_FAILURE_MS = 5000;

/** Whether there is more below: perhaps, being asked for, can't be had now, no, or more than a page can show. */
export type Below = "more" | "loading" | "failed" | "end" | "full";

interface Leaf {
  readonly cursor: string | undefined;
  readonly length: number;
  readonly lastId: string;
  readonly rows: readonly Update[] | undefined;
}

export interface Source {
  readonly ask: Ask;
  readonly timing: Timing;
  /** Called when something came, or can't. */
  readonly changed: () => void;
}

export class Pages {
  /** The trade above the first of ours; undefined where we begin with the newest of all. */
  readonly before: Update | undefined;
  /** The newest of ours. */
  top: Update | undefined;
  length = 0;
  readonly #source: Source;
  readonly #filters: Filters;
  #leaves: readonly Leaf[] = [];
  /** Where the next page begins; undefined where there is none. */
  #next: { readonly cursor: string | undefined } | undefined = { cursor: undefined };
  #doing: "nothing" | "loading" | "failed" = "nothing";

  constructor(source: Source, filters: Filters, before: Update | undefined) {
    this.#source = source;
    this.#filters = filters;
    this.before = before;
  }

  get below(): Below {
    if (this.#doing !== "nothing") {
      return this.#doing;
    }
    if (!this.#next) {
      return "end";
    }
    return this.length < MOST_ROWS ? "more" : "full";
  }

  /** The trades at these places; undefined for those that are yet to be fetched again. */
  slice(first: number, last: number): readonly (Update | undefined)[] {
    const found: (Update | undefined)[] = [];
    let start = 0;
    for (const { length, rows } of this.#leaves) {
      for (let place = Math.max(first, start); place < Math.min(last, start + length); place += 1) {
        found.push(rows?.[place - start]);
      }
      start += length;
    }
    return found;
  }

  /** All trades that are held. */
  get held(): readonly Update[] {
    return this.#leaves.flatMap(({ rows }) => rows ?? []);
  }

  /** These places are in sight: fetches what is near and not there, and forgets what is far. */
  look(first: number, last: number): void {
    this.#forget(first - KEPT_ROWS, last + KEPT_ROWS);
    if (this.#doing === "nothing") {
      const wanted = this.#wanted(first - AHEAD_ROWS, last + AHEAD_ROWS);
      if (wanted !== undefined) {
        this.#load(wanted);
      }
    }
  }

  /** Asks again, now, for what could not be had. */
  retry(): void {
    if (this.#doing === "failed") {
      this.#doing = "nothing";
      this.#source.changed();
    }
  }

  #forget(first: number, last: number): void {
    let start = 0;
    const isFar = ({ length, rows }: Leaf): boolean => {
      start += length;
      return rows !== undefined && (start <= first || start - length >= last);
    };
    const far = new Set(this.#leaves.filter(isFar));
    if (far.size > 0) {
      this.#leaves = this.#leaves.map((leaf) => (far.has(leaf) ? { ...leaf, rows: undefined } : leaf));
    }
  }

  /** The index of the page to be fetched now. */
  #wanted(first: number, last: number): number | undefined {
    let start = 0;
    for (const [index, { length, rows }] of this.#leaves.entries()) {
      if (!rows && start < last && start + length > first) {
        return index;
      }
      start += length;
    }
    return this.below === "more" && last > this.length ? this.#leaves.length : undefined;
  }

  async #load(index: number): Promise<void> {
    this.#doing = "loading";
    const { ask, changed } = this.#source;
    const known = this.#leaves[index];
    const cursor = known ? known.cursor : this.#next?.cursor;
    // The archive is asked by the millisecond, so its answer may begin above us: see #take.
    const untilMs = this.before && Math.floor(this.before.receivedMicros / 1000) + 1;
    try {
      const page = await ask({ filters: this.#filters, untilMs, limit: PAGE_ROWS, cursor });
      this.#doing = "nothing";
      this.#take(index, cursor, page);
    } catch (error) {
      console.warn("Tradewire: older trades can't be had now:", error);
      this.#doing = "failed";
      this.#source.timing.setTimer(() => this.retry(), AFTER_FAILURE_MS);
    }
    changed();
  }

  #take(index: number, cursor: string | undefined, { messages, next }: Page): void {
    const rows = messages
      .map(parseUpdate)
      .filter((update) => update !== undefined)
      .filter((update) => !this.before || newestFirst(this.before, update) < 0);
    const lastId = rows.at(-1)?.id;
    const known = this.#leaves[index];
    // Where something was archived late in between, the pages below begin elsewhere now, and are asked for anew.
    const isAsBefore = known !== undefined && known.lastId === lastId && known.length === rows.length;
    const below = isAsBefore ? this.#leaves.slice(index + 1) : [];
    if (!isAsBefore) {
      this.#next = next === undefined ? undefined : { cursor: next };
    }
    const page = lastId === undefined ? [] : [{ cursor, length: rows.length, lastId, rows }];
    this.#leaves = [...this.#leaves.slice(0, index), ...page, ...below];
    this.length = this.#leaves.reduce((sum, { length }) => sum + length, 0);
    this.top ??= rows[0];
    if (messages.length === 0 && this.#next) {
      this.#doing = "loading";
      this.#source.timing.setTimer(() => {
        this.#doing = "nothing";
        this.#source.changed();
      }, AFTER_EMPTY_MS);
    }
  }
}
