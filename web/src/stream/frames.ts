/** What the live server says, one WebSocket text frame at a time. */

import { isRecord, parseMicros } from "../trade/event.ts";

export interface Hello {
  readonly kind: "hello";
  readonly epoch: string;
  readonly offset: number;
  readonly resumed: boolean;
  /** The server's clock as it said hello, in milliseconds since 1970, when it told. */
  readonly serverNow: number | undefined;
}

export interface Updates {
  readonly kind: "updates";
  readonly offset: number;
  /** Not yet checked: see update.ts. */
  readonly updates: readonly unknown[];
}

export interface Gap {
  readonly kind: "gap";
  readonly offset: number;
}

export type Frame = Hello | Updates | Gap;

/** The frame in a message's data, or undefined when it makes no sense. */
export function parseFrame(data: unknown): Frame | undefined {
  const frame = parseJson(data);
  if (!isRecord(frame)) {
    return;
  }
  if (isRecord(frame["hello"])) {
    return parseHello(frame["hello"]);
  }
  const { offset, updates, gap } = frame;
  if (!isOffset(offset)) {
    return;
  }
  if (gap === true) {
    return { kind: "gap", offset };
  }
  return Array.isArray(updates) ? { kind: "updates", offset, updates } : undefined;
}

function parseHello(hello: Readonly<Record<string, unknown>>): Hello | undefined {
  const { epoch, offset, resumed, now } = hello;
  if (typeof epoch !== "string" || !isOffset(offset)) {
    return;
  }
  const micros = typeof now === "string" ? parseMicros(now) : undefined;
  const serverNow = micros === undefined ? undefined : micros / 1000;
  return { kind: "hello", epoch, offset, resumed: resumed === true, serverNow };
}

function parseJson(data: unknown): unknown {
  try {
    return typeof data === "string" ? JSON.parse(data) : undefined;
  } catch {
    return undefined;
  }
}

function isOffset(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
