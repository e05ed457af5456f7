/** An archive that holds what a test puts into it, and is as far, as slow and as broken as it is told to be. */

import { matches, NO_FILTERS } from "../src/filters/filters.ts";
import type { Ask, Page, Question } from "../src/server/archive.ts";
import { newestFirst, parseUpdate, type Update } from "../src/trade/event.ts";

export class FakeArchive {
  readonly asked: Question[] = [];
  upToMs = Number.POSITIVE_INFINITY;
  isAway = false;
  /** Called in between question and answer. */
  meanwhile: () => void = () => undefined;
  #held: Update[] = [];

  put(...raw: readonly unknown[]): void {
    this.#held = [...this.#held, ...raw.map(parsed)].sort(newestFirst);
  }

  get ask(): Ask {
    return async (question) => {
      this.asked.push(question);
      await Promise.resolve();
      this.meanwhile();
      if (this.isAway) {
        throw new Error("away");
      }
      return this.#page(question);
    };
  }

  #page({
    filters = NO_FILTERS,
    sinceMs = 0,
    untilMs = Number.POSITIVE_INFINITY,
    limit,
    cursor = "0",
  }: Question): Page {
    const matching = this.#held.filter((update) => {
      const receivedMs = update.receivedMicros / 1000;
      return matches(filters, update) && receivedMs >= sinceMs && receivedMs < untilMs;
    });
    const end = Number(cursor) + limit;
    return {
      messages: matching.slice(Number(cursor), end),
      next: end < matching.length ? String(end) : undefined,
      archivedUpToMs: this.upToMs,
    };
  }
}

function parsed(raw: unknown): Update {
  const update = parseUpdate(raw);
  if (!update) {
    throw new Error("only updates are archived");
  }
  return update;
}
