/**
 * The connection to the live server: opens it, keeps it, and comes back to where it was.
 *
 * The server numbers its updates (offset) within one life of it (epoch). Coming back with both, we get exactly
 * what we missed; where that can't be, `missed` says so. Everything from outside is handed in, for the tests.
 */

import type { Timer, Timing } from "../server/timing.ts";
import { Backoff } from "./backoff.ts";
import { type Frame, type Hello, parseFrame } from "./frames.ts";
import type { ServerClock } from "./server-clock.ts";
import type { Handlers, Socket } from "./socket.ts";

export type Connection =
  | { readonly phase: "connecting" }
  /** Since a moment of the server's clock, in milliseconds since 1970. */
  | { readonly phase: "live"; readonly sinceMs: number }
  | { readonly phase: "offline"; readonly why: Refusal; readonly retryAt: number };

export type Refusal = "unreachable" | "restarting" | "refused" | "full";

/** A stretch of time, in the server's milliseconds, of which trades may be missing. */
export interface Miss {
  readonly since: number;
  readonly until: number;
  readonly why: "restarted" | "away" | "behind" | "several";
}

export interface Listener {
  connection(now: Connection): void;
  updates(raw: readonly unknown[]): void;
  missed(miss: Miss): void;
}

export interface Surroundings extends Timing {
  readonly open: (path: string, handlers: Handlers) => Socket;
}

/** Connected, but nothing said for so long: whoever answered is not the live server. */
const HELLO_WITHIN_MS = 10_000;
/** A server with nothing to tell shows a sign of life every 20 s: whoever has missed two of them is not heard any more. */
const SILENT_FOR_MS = 45_000;
/** A server that says it is restarting asks its browsers to come back spread over this time. */
const RESTART_SPREAD_MS = 1000;

const RESTARTING = 1012;
const REFUSALS: Readonly<Record<number, Refusal>> = {
  1008: "refused",
  [RESTARTING]: "restarting",
  1013: "full",
};

export class Feed {
  readonly #around: Surroundings;
  readonly #clock: ServerClock;
  readonly #listener: Listener;
  readonly #backoff: Backoff;
  #socket: Socket | undefined;
  #timer: Timer | undefined;
  #waiting = false;
  #calledAt = 0;
  /** When the server last told us anything, by its clock: up to there, nothing is missing. */
  #heardAt = 0;
  #position: { readonly epoch: string; offset: number } | undefined;

  constructor(around: Surroundings, clock: ServerClock, listener: Listener) {
    this.#around = around;
    this.#clock = clock;
    this.#listener = listener;
    this.#backoff = new Backoff(around.random);
  }

  start(): void {
    this.#connect();
  }

  /** Something changed for the better (network back, page looked at): don't sit out the delay. */
  retryNow(): void {
    if (this.#waiting) {
      this.#connect();
    }
  }

  /** Something changed for the worse (network gone): a connection that still seems to be there may be dead. */
  lost(): void {
    if (!this.#waiting) {
      this.#giveUp();
    }
  }

  #connect(): void {
    this.#waiting = false;
    this.#listener.connection({ phase: "connecting" });
    this.#calledAt = this.#around.now();
    const socket: Socket = this.#around.open(this.#path(), {
      // A socket that was given up may still speak: only the present one is heard.
      message: (data) => this.#socket === socket && this.#heard(data),
      closed: (code) => this.#socket === socket && this.#closed(code),
    });
    this.#socket = socket;
    this.#setTimer(() => this.#giveUp(), HELLO_WITHIN_MS);
  }

  #path(): string {
    if (!this.#position) {
      return "/ws";
    }
    const { epoch, offset } = this.#position;
    return `/ws?epoch=${encodeURIComponent(epoch)}&offset=${offset}`;
  }

  #heard(data: unknown): void {
    const frame = parseFrame(data);
    if (frame) {
      this.#setTimer(() => this.#giveUp(), SILENT_FOR_MS);
      this.#take(frame);
      this.#heardAt = this.#clock.at(this.#around.now());
    } else {
      console.warn("Tradewire: skipped a frame that makes no sense");
    }
  }

  #take(frame: Frame): void {
    if (frame.kind === "hello") {
      this.#welcome(frame);
      return;
    }
    if (frame.kind === "updates") {
      this.#listener.updates(frame.updates);
    } else {
      this.#missed("behind");
    }
    if (this.#position) {
      this.#position.offset = frame.offset;
    }
  }

  #welcome(hello: Hello): void {
    const now = this.#around.now();
    this.#backoff.reset();
    if (hello.serverNow !== undefined) {
      this.#clock.learn(hello.serverNow, this.#calledAt, now);
    }
    const before = this.#position;
    // Resumed, the frames that follow continue from our own offset; hello's may already be ahead of them.
    if (!(before && hello.resumed)) {
      this.#position = { epoch: hello.epoch, offset: hello.offset };
    }
    if (before && !hello.resumed) {
      this.#missed(before.epoch === hello.epoch ? "away" : "restarted");
    }
    this.#listener.connection({ phase: "live", sinceMs: hello.serverNow ?? this.#clock.at(now) });
  }

  #missed(why: Miss["why"]): void {
    this.#listener.missed({ since: this.#heardAt, until: this.#clock.at(this.#around.now()), why });
  }

  #giveUp(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    // A dead connection may take its time to close, so we don't wait for it.
    socket?.close();
    this.#retryIn(this.#backoff.next(), "unreachable");
  }

  #closed(code: number): void {
    this.#socket = undefined;
    const delay = code === RESTARTING ? this.#around.random() * RESTART_SPREAD_MS : this.#backoff.next();
    this.#retryIn(delay, REFUSALS[code] ?? "unreachable");
  }

  #retryIn(delayMs: number, why: Refusal): void {
    this.#waiting = true;
    this.#listener.connection({ phase: "offline", why, retryAt: this.#around.now() + delayMs });
    this.#setTimer(() => this.#connect(), delayMs);
  }

  #setTimer(run: () => void, afterMs: number): void {
    this.#clearTimer();
    this.#timer = this.#around.setTimer(run, afterMs);
  }

  #clearTimer(): void {
    if (this.#timer !== undefined) {
      this.#around.clearTimer(this.#timer);
      this.#timer = undefined;
    }
  }
}
