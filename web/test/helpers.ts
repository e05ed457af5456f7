/** Test data, and a fake environment with a controlled clock. */

import assert from "node:assert/strict";
import type { AddressBar, Place } from "../src/filters/address.ts";
import { type Pair, type ParsedTrade, parseAmounts } from "../src/server/live-aggregate.ts";
import type { FeedEnvironment } from "../src/stream/feed.ts";
import type { Handlers } from "../src/stream/socket.ts";
import { parseTradeEvent, type TradeEvent } from "../src/trade/event.ts";

/** 2026-11-24T10:00:00Z, in milliseconds. */
export const TEN = Date.UTC(2026, 10, 24, 10);

/** The id of a number. Greater numbers have greater ids. */
export function uuid(number: number): string {
  return `01234567-89ab-7cde-8f01-${number.toString(16).padStart(12, "0")}`;
}

/** An event as the feed delivers it; `number` gives its id and the microsecond after ten o'clock. */
export function rawEvent(number: number, changes: Readonly<Record<string, unknown>> = {}): object {
  const seconds = new Date(TEN + Math.floor(number / 1_000_000) * 1000).toISOString().slice(0, 19);
  const micros = String(number % 1_000_000).padStart(6, "0");
  return {
    id: uuid(number),
    receivedAt: `${seconds}.${micros}Z`,
    userId: "134259",
    currencyFrom: "EUR",
    currencyTo: "GBP",
    amountSell: "1000",
    amountBuy: "747.10",
    rate: "0.7471",
    timePlaced: "2015-01-24T10:27:44Z",
    originatingCountry: "FR",
    flags: [],
    ...changes,
  };
}

export function rawEvents(from: number, to: number): object[] {
  return Array.from({ length: to - from }, (_, index) => rawEvent(from + index));
}

export function trade(number: number, changes: Readonly<Record<string, unknown>> = {}): TradeEvent {
  const parsed = parseTradeEvent(rawEvent(number, changes));
  if (!parsed) {
    throw new Error("the example is not a trade");
  }
  return parsed;
}

export function ids(trades: readonly TradeEvent[]): string[] {
  return trades.map(({ id }) => id);
}

/** Resolves when everything has run that does not wait for a timer. */
export function flushPromises(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** A socket opened by the feed, from the server's side. */
export class FakeSocket {
  readonly path: string;
  readonly #handlers: Handlers;
  closedByPage = false;

  constructor(path: string, handlers: Handlers) {
    this.path = path;
    this.#handlers = handlers;
  }

  send(frame: unknown): void {
    this.#handlers.message(JSON.stringify(frame));
  }

  sendRaw(data: unknown): void {
    this.#handlers.message(data);
  }

  hello(epoch: string, offset: number, resumed = false, now?: string): void {
    this.send({ hello: { epoch, offset, resumed, now } });
  }

  disconnect(code = 1006, reason = ""): void {
    this.#handlers.closed(code, reason);
  }

  close(): void {
    this.closedByPage = true;
  }
}

/** Fake clock, timers, randomness and network. */
export class FakeEnvironment {
  isOwnOrigin = true;
  nowMs = TEN;
  randomValue = 0.5;
  readonly sockets: FakeSocket[] = [];
  readonly #timers = new Map<number, { readonly at: number; readonly run: () => void }>();
  #nextTimer = 1;

  get socket(): FakeSocket {
    const last = this.sockets.at(-1);
    if (!last) {
      throw new Error("no connection was opened yet");
    }
    return last;
  }

  advance(ms: number): void {
    const until = this.nowMs + ms;
    while (true) {
      const due = [...this.#timers].filter(([, { at }]) => at <= until).sort(([, a], [, b]) => a.at - b.at);
      const [next] = due;
      if (!next) {
        this.nowMs = until;
        return;
      }
      const [id, timer] = next;
      this.#timers.delete(id);
      this.nowMs = timer.at;
      timer.run();
    }
  }

  get environment(): FeedEnvironment {
    return {
      open: (path, handlers) => {
        const socket = new FakeSocket(path, handlers);
        this.sockets.push(socket);
        return socket;
      },
      isOwnOrigin: this.isOwnOrigin,
      now: () => this.nowMs,
      random: () => this.randomValue,
      setTimer: (run, afterMs) => {
        const id = this.#nextTimer;
        this.#nextTimer += 1;
        this.#timers.set(id, { at: this.nowMs + afterMs, run });
        // The code under test only passes it back.
        return id as unknown as ReturnType<typeof setTimeout>;
      },
      clearTimer: (timer) => this.#timers.delete(timer as unknown as number),
    };
  }
}

/** An address bar with a history and a Back button. Addresses of the live page itself are without their path. */
export class FakeAddressBar implements AddressBar {
  readonly steps: string[];
  readonly #above: boolean[] = [false];
  #moved: () => void = () => undefined;

  constructor(address = "") {
    this.steps = [address];
  }

  get query(): string {
    return this.steps.at(-1) ?? "";
  }

  read(): Place {
    const { pathname, search, hash } = new URL(this.query, "http://host/");
    return { path: pathname, query: search, hash, isAbove: this.#above.at(-1) ?? false };
  }

  write({ path, query, hash, isAbove }: Place, step: "new" | "same"): void {
    assert(step === "same" || step === "new");
    if (step === "same") {
      this.steps.pop();
      this.#above.pop();
    }
    this.steps.push(`${path === "/" ? "" : path}${query}${hash}`);
    this.#above.push(isAbove);
  }

  onMove(moved: () => void): void {
    this.#moved = moved;
  }

  back(): void {
    this.steps.pop();
    this.#above.pop();
    this.#moved();
  }
}

export const EUR_GBP: Pair = { from: "EUR", to: "GBP" };
export const MONEY = { sold: "100", bought: "75.00", vwap: "0.75", open: "0.7", high: "0.8", low: "0.6" };

/** An answer of `/api/stats`. */
export function statsAnswer(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    since: "2026-11-24T09:00:00Z",
    until: "2026-11-24T10:01:00Z",
    step: 60,
    basis: null,
    total: { count: 10, flagged: 1 },
    pairs: [{ currencyFrom: "EUR", currencyTo: "GBP", count: 10, flagged: 1, ...MONEY, last: "0.7" }],
    morePairs: 0,
    countries: [{ country: "FR", count: 10, flagged: 1 }],
    series: [{ start: "2026-11-24T10:00:00Z", count: 10, flagged: 1 }],
    ...changes,
  };
}

/** A trade received this many seconds after ten o'clock. */
export function tradeAt(
  seconds: number,
  changes: Readonly<Record<string, unknown>> = {},
): ReturnType<typeof trade> {
  return trade(seconds * 1_000_000, changes);
}

export function parsedTradeAt(...parameters: Parameters<typeof tradeAt>): ParsedTrade {
  return parseAmounts(tradeAt(...parameters));
}
