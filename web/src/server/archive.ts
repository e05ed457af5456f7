/** Queries to the archive: pages of `GET /api/messages`, with their structure validated. */

import { type Filters, writeFilters } from "../filters/filters.ts";
import { NEWEST_FIRST, type Order, orderText, sameOrder } from "../filters/order.ts";
import { writeSpan } from "../filters/range.ts";
import { isRecord, parseMicros } from "../trade/json.ts";
import { type Fetch, get, readAnswer } from "./fetch.ts";
import { type Basis, parseBasis } from "./stats.ts";

/** Times are in milliseconds since 1970, by the server's clock. */
export interface MessagesQuery {
  /** Without filters, all messages are returned. */
  readonly filters?: Filters;
  /** Inclusive. */
  readonly sinceMs?: number | undefined;
  /** Exclusive. */
  readonly untilMs?: number | undefined;
  /** Newest first by default. */
  readonly order?: Order;
  readonly limit: number;
  /** The `next` of the previous page. */
  readonly cursor?: string | undefined;
}

export interface MessagesPage {
  /** In the order of the query. Not validated yet: see parseTradeEvent. */
  readonly messages: readonly unknown[];
  /** The cursor of the next page; undefined on the last one. */
  readonly next: string | undefined;
  /** Undefined if the pages have every trade of the query. */
  readonly basis: Basis | undefined;
  /** Everything received before this time is archived. Minus infinity if the archive can't tell. */
  readonly archivedUpToMs: number;
  /** Trades received before this time are deleted. Undefined if none are. */
  readonly keptSinceMs?: number | undefined;
}

/** Rejects if the archive is unreachable, refuses, or answers with invalid data. */
export type QueryArchive = (query: MessagesQuery) => Promise<MessagesPage>;

/** Creates a function that queries the archive of the host that served this page. */
export function archiveQuery(fetch: Fetch): QueryArchive {
  return async (query) => readAnswer(await get(fetch, `/api/messages?${toParams(query)}`), parsePage);
}

function toParams({ filters, order, sinceMs, untilMs, limit, cursor }: MessagesQuery): URLSearchParams {
  const params = new URLSearchParams({ limit: String(limit) });
  if (filters) {
    writeFilters(filters, params);
  }
  if (order && !sameOrder(order, NEWEST_FIRST)) {
    params.set("sort", orderText(order));
  }
  writeSpan({ sinceMs, untilMs }, params);
  if (cursor !== undefined) {
    params.set("cursor", cursor);
  }
  return params;
}

/** Parses a page. Returns undefined, or throws, if it is malformed. */
function parsePage(answer: unknown): MessagesPage | undefined {
  if (!isRecord(answer)) {
    return;
  }
  const { messages, next, basis, archivedUpTo, keptSince } = answer;
  const archivedUpToMs = parseArchivedUpTo(archivedUpTo);
  if (
    !Array.isArray(messages) ||
    archivedUpToMs === undefined ||
    !(next === null || typeof next === "string")
  ) {
    return;
  }
  const keptSinceMs = parseMs(keptSince);
  return { messages, next: next ?? undefined, basis: parseBasis(basis), archivedUpToMs, keptSinceMs };
}

function parseArchivedUpTo(timestamp: unknown): number | undefined {
  if (timestamp === null) {
    return Number.NEGATIVE_INFINITY;
  }
  return parseMs(timestamp);
}

function parseMs(timestamp: unknown): number | undefined {
  const micros = typeof timestamp === "string" ? parseMicros(timestamp) : undefined;
  return micros === undefined ? undefined : micros / 1000;
}
