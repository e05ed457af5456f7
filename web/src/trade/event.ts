/**
 * A trade event as the server sends it, validated once on arrival.
 *
 * Amounts stay strings up to the screen, because a JavaScript number would round them.
 */

import { copyEvent, FIELDS, type Texts } from "./fields.ts";
import { isRecord, parseMicros } from "./json.ts";

export interface TradeEvent extends Texts {
  /** `receivedAt` in microseconds since 1970, the page's sort key. */
  readonly receivedMicros: number;
  readonly flags: readonly string[];
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u;

/** Whether a text is an id in lower case. */
export function isTradeId(text: string): boolean {
  return UUID.test(text);
}

/** Parses a trade event. Returns undefined if it is malformed. Unknown fields are dropped. */
export function parseTradeEvent(raw: unknown): TradeEvent | undefined {
  if (!(isRecord(raw) && hasTexts(raw) && isTradeId(raw.id))) {
    return;
  }
  const { flags = [] } = raw;
  const receivedMicros = parseMicros(raw.receivedAt);
  if (receivedMicros === undefined || !Array.isArray(flags) || !flags.every(isText)) {
    return;
  }
  return copyEvent(raw, flags, receivedMicros);
}

/** Compares for newest-first order. The id decides within the same microsecond; 0 means the same trade. */
export function newestFirst(a: TradeEvent, b: TradeEvent): number {
  return b.receivedMicros - a.receivedMicros || Number(a.id < b.id) - Number(a.id > b.id);
}

function hasTexts(raw: Readonly<Record<string, unknown>>): raw is Texts & Readonly<Record<string, unknown>> {
  return (
    isText(raw["id"]) &&
    isText(raw["receivedAt"]) &&
    FIELDS.every(({ name, isOptional }) => isText(raw[name]) || (isOptional && raw[name] === undefined))
  );
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
