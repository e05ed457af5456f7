/** The live server's WebSocket frames, with their structure validated. */

import { isRecord, parseMicros } from "../trade/json.ts";

export interface HelloFrame {
  readonly kind: "hello";
  readonly epoch: string;
  readonly offset: number;
  readonly resumed: boolean;
  /** The server's clock when it sent this, in milliseconds since 1970; undefined if it didn't tell. */
  readonly serverNow: number | undefined;
  /** The version of Tradewire that runs; undefined if it didn't tell. */
  readonly version: string | undefined;
}

export interface EventsFrame {
  readonly kind: "events";
  readonly offset: number;
  /** Not validated yet: see parseTradeEvent. */
  readonly events: readonly unknown[];
}

export interface GapFrame {
  readonly kind: "gap";
  readonly offset: number;
}

export type Frame = HelloFrame | EventsFrame | GapFrame;

/** Parses a frame. Returns undefined if it is malformed. */
export function parseFrame(data: unknown): Frame | undefined {
  const frame = parseJson(data);
  if (!isRecord(frame)) {
    return;
  }
  if (isRecord(frame["hello"])) {
    return parseHello(frame["hello"]);
  }
  const { offset, events, gap } = frame;
  if (!isOffset(offset)) {
    return;
  }
  if (gap === true) {
    return { kind: "gap", offset };
  }
  return Array.isArray(events) ? { kind: "events", offset, events } : undefined;
}

function parseHello(hello: Readonly<Record<string, unknown>>): HelloFrame | undefined {
  const { epoch, offset, resumed, now, version } = hello;
  if (typeof epoch !== "string" || !isOffset(offset)) {
    return;
  }
  const micros = typeof now === "string" ? parseMicros(now) : undefined;
  const serverNow = micros === undefined ? undefined : micros / 1000;
  return {
    kind: "hello",
    epoch,
    offset,
    resumed: resumed === true,
    serverNow,
    version: typeof version === "string" ? version : undefined,
  };
}

function parseJson(data: unknown): unknown {
  try {
    return JSON.parse(String(data));
  } catch {
    return undefined;
  }
}

function isOffset(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
