/** What the archive tells: pages of `GET /api/messages`, each checked at the door. */

import { type Filters, writeFilters } from "../filters/filters.ts";
import { isRecord, parseMicros } from "../trade/event.ts";
import type { Fetch } from "./fetch.ts";

/** Moments are in milliseconds since 1970, by the server's clock. */
export interface Question {
  /** Where they are not given, all are asked for. */
  readonly filters?: Filters;
  /** Inclusive. */
  readonly sinceMs?: number | undefined;
  /** Exclusive. */
  readonly untilMs?: number | undefined;
  readonly limit: number;
  /** Where the page before ended. */
  readonly cursor?: string | undefined;
}

export interface Page {
  /** Newest first; not yet checked: see update.ts. */
  readonly messages: readonly unknown[];
  /** The cursor of what is older, where there is more. */
  readonly next: string | undefined;
  /** Everything received before this moment is archived; minus infinity where the archive can't tell. */
  readonly archivedUpToMs: number;
}

/** Rejects where the archive can't be reached, refuses, or says what makes no sense. */
export type Ask = (question: Question) => Promise<Page>;

/** The way in answers by then, or says that the archive didn't. A connection that went dead never would. */
const ANSWER_WITHIN_MS = 20_000;

/** The archive of the host that this page came from, reached by `fetch`. */
export function archive(fetch: Fetch): Ask {
  return async (question) => {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    const headers = { accept: "application/json" };
    const response = await fetch(`/api/messages?${query(question)}`, { headers, cache: "no-store", signal });
    if (!response.ok) {
      throw new Error(`the archive answered ${response.status}`);
    }
    const page = parsePage(await response.json());
    if (!page) {
      throw new Error("the archive's answer makes no sense");
    }
    return page;
  };
}

function query({ filters, sinceMs, untilMs, limit, cursor }: Question): URLSearchParams {
  const words = new URLSearchParams({ limit: String(limit) });
  if (filters) {
    writeFilters(filters, words);
  }
  if (sinceMs !== undefined) {
    words.set("since", new Date(Math.floor(sinceMs)).toISOString());
  }
  if (untilMs !== undefined) {
    words.set("until", new Date(Math.ceil(untilMs)).toISOString());
  }
  if (cursor !== undefined) {
    words.set("cursor", cursor);
  }
  return words;
}

/** The page in an answer, or undefined when it is none. */
function parsePage(answer: unknown): Page | undefined {
  if (!isRecord(answer)) {
    return;
  }
  const { messages, next, archivedUpTo } = answer;
  const upToMs = parseUpTo(archivedUpTo);
  if (!Array.isArray(messages) || upToMs === undefined || !(next === null || typeof next === "string")) {
    return;
  }
  return { messages, next: next ?? undefined, archivedUpToMs: upToMs };
}

function parseUpTo(moment: unknown): number | undefined {
  if (moment === null) {
    return Number.NEGATIVE_INFINITY;
  }
  const micros = typeof moment === "string" ? parseMicros(moment) : undefined;
  return micros === undefined ? undefined : micros / 1000;
}
