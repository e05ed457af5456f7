/**
 * All trades that the filters let through, newest first: those that come live, and below them the archive's.
 *
 * What is shown is the tape as it was at the last `renew`, so that one may look at it for as long as one likes,
 * and only what is older goes on being fetched. Each trade is on it once.
 */

import { type Filters, matches } from "../filters/filters.ts";
import { Seen } from "../trade/dedup-set.ts";
import { newestFirst, type Update } from "../trade/event.ts";
import { HELD, merge } from "../trade/merge.ts";
import { AHEAD_ROWS, type Below, Pages, type Source } from "./pages.ts";

export class Tape {
  readonly filters: Filters;
  /** How many trades came live, or were found after a gap, that the filters let through. */
  matched = 0;
  /** Whether the archive has told what was before: only then do we go on from there. */
  isRecalled = false;
  readonly #source: Source;
  readonly #seen = new Seen(2 * HELD);
  #newest: readonly Update[] = [];
  #shown: readonly Update[] = [];
  #shownMatched = 0;
  /** Whether what is shown has what the archive told; undefined before anything is shown. */
  #isRecallShown: boolean | undefined;
  #pages: Pages | undefined;
  /** Something came that belongs among the archive's pages, and isn't there. */
  #isLate = false;

  /** `trades`: those known already, newest first. */
  constructor(source: Source, filters: Filters, trades: readonly Update[]) {
    this.#source = source;
    this.filters = filters;
    this.#add(trades.filter((update) => matches(filters, update)));
  }

  /** Takes what came live. */
  add(updates: readonly Update[]): void {
    const matching = updates.filter((update) => matches(this.filters, update));
    this.matched += matching.length;
    this.#add(matching);
  }

  /** Takes what was before. */
  recall(updates: readonly Update[]): void {
    this.#add(updates.filter((update) => matches(this.filters, update)));
  }

  /** Shows how things stand. */
  renew(): void {
    this.#shown = this.#newest;
    this.#shownMatched = this.matched;
    this.#isRecallShown = this.isRecalled;
    // The archive's pages go on from the last trade above them: where that is another now, they leave a hole.
    if (this.#isLate || this.#pages?.before !== this.#newest.at(-1)) {
      this.#pages = undefined;
      this.#isLate = false;
    }
  }

  /** Whether it must be renewed, whoever holds it: it was never shown, or not since the archive told what was before. */
  get isDue(): boolean {
    return this.#isRecallShown !== this.isRecalled;
  }

  /** How many came since the last `renew`. */
  get unseen(): number {
    return this.matched - this.#shownMatched;
  }

  get length(): number {
    return this.#shown.length + (this.#pages?.length ?? 0);
  }

  /** The trades at these places; undefined for those that are yet to be fetched again. */
  slice(first: number, last: number): readonly (Update | undefined)[] {
    const above = this.#shown.length;
    const older = this.#pages?.slice(first - above, last - above) ?? [];
    return [...this.#shown.slice(first, last), ...older];
  }

  /** The trades above the archive's pages: another list after each `renew` that changed something. */
  get shown(): readonly Update[] {
    return this.#shown;
  }

  /** All trades that are held at this moment. */
  get held(): readonly Update[] {
    return [...this.#shown, ...(this.#pages?.held ?? [])];
  }

  get below(): Below {
    return this.#pages?.below ?? (this.isRecalled ? "more" : "loading");
  }

  /** These places are in sight: fetches what is near and not there yet. */
  look(first: number, last: number): void {
    const above = this.#shown.length;
    if (this.isRecalled && last + AHEAD_ROWS > above) {
      this.#pages ??= new Pages(this.#source, this.filters, this.#shown.at(-1));
    }
    this.#pages?.look(first - above, last - above);
  }

  retry(): void {
    this.#pages?.retry();
  }

  #add(updates: readonly Update[]): void {
    const unknown = updates.filter(({ id }) => this.#seen.add(id));
    const top = this.#pages?.top;
    const newer = top ? unknown.filter((update) => newestFirst(update, top) < 0) : unknown;
    if (newer.length < unknown.length) {
      // Pages that were asked for before it was archived can't have it; others have, and nothing changes but order.
      this.#isLate = true;
    }
    if (newer.length > 0) {
      this.#newest = merge(this.#newest, newer);
    }
  }
}
