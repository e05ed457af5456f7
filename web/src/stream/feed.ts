/**
 * The connection to the live server: opens it, watches it, and resumes where it left off.
 *
 * The server numbers its events (offset) during one run (epoch). With both the browser resumes exactly; if
 * that is impossible, the feed reports a gap. Clock, timers and sockets are passed in for the tests.
 */

import type { Timer, Timing } from "../server/timing.ts";
import { Backoff } from "./backoff.ts";
import { type Frame, type HelloFrame, parseFrame } from "./frames.ts";
import type { ServerClock } from "./server-clock.ts";
import type { Handlers, Socket } from "./socket.ts";

/** `silentSinceMs` is when the live server was last heard, by its clock, in milliseconds since 1970. */
export type Connection =
  | { readonly phase: "connecting"; readonly silentSinceMs: number | undefined }
  /** `sinceMs` is by the server's clock, in milliseconds since 1970. */
  | { readonly phase: "live"; readonly sinceMs: number; readonly version?: string | undefined }
  | {
      readonly phase: "offline";
      readonly reason: OfflineReason;
      readonly retryAt: number;
      readonly silentSinceMs: number | undefined;
    };

export type OfflineReason = "unreachable" | "restarting" | "refused" | "full" | "foreign" | "unauthorized";

/** A time range in which the page may lack trades, in milliseconds by the server's clock. */
export interface Gap {
  readonly since: number;
  readonly until: number;
  readonly reason: "restarted" | "away" | "skipped" | "several";
}

export interface Listener {
  connection(now: Connection): void;
  events(raw: readonly unknown[]): void;
  gap(gap: Gap): void;
}

export interface FeedEnvironment extends Timing {
  readonly open: (path: string, handlers: Handlers) => Socket;
  /** False if the server refuses the page's origin. */
  readonly isOwnOrigin: boolean;
}

/** A peer that sends no hello within this time is not the live server. */
const HELLO_TIMEOUT_MS = 10_000;
/** An idle server sends a heartbeat every 20 s. After two missed ones the connection counts as dead. */
const SILENCE_TIMEOUT_MS = 45_000;
/** A restarting server asks its browsers to spread their reconnects over this time. */
const RESTART_SPREAD_MS = 1000;

const RESTARTING = 1012;
/** The reason beside 1012 if the server goes on, and only wants a new handshake, which shows who the user is. */
const CONNECT_AGAIN = "connect again";
const CLOSE_REASONS: Readonly<Record<number, OfflineReason>> = {
  1008: "refused",
  [RESTARTING]: "restarting",
  1013: "full",
  4401: "unauthorized",
};

export class Feed {
  readonly #environment: FeedEnvironment;
  readonly #clock: ServerClock;
  readonly #listener: Listener;
  readonly #backoff: Backoff;
  #socket: Socket | undefined;
  #timer: Timer | undefined;
  #waiting = false;
  /** Whether a new connection replaces another, since the server wanted a new handshake. The reader does not see it. */
  #isRenewing = false;
  #openedAt = 0;
  /** When the last message arrived, by the server's clock. The page lacks nothing up to then. */
  #lastMessageAt: number | undefined;
  #position: { readonly epoch: string; offset: number } | undefined;

  constructor(environment: FeedEnvironment, clock: ServerClock, listener: Listener) {
    this.#environment = environment;
    this.#clock = clock;
    this.#listener = listener;
    this.#backoff = new Backoff(environment.random);
  }

  start(): void {
    this.#open();
  }

  /** Ends the pause before the next attempt: the network is back, or the page is visible again. */
  retryNow(): void {
    if (this.#waiting) {
      this.#open();
    }
  }

  /** Makes no attempt before `retryNow`, since there is no session. */
  hold(): void {
    if (this.#waiting) {
      this.#environment.clearTimer(this.#timer);
    }
  }

  /** The network is gone: drops the connection, which may be dead without having closed. */
  networkLost(): void {
    if (!this.#waiting) {
      this.#abandon();
    }
  }

  #open(): void {
    this.#waiting = false;
    this.#listener.connection({ phase: "connecting", silentSinceMs: this.#lastMessageAt });
    this.#connect();
  }

  #connect(): void {
    this.#openedAt = this.#environment.now();
    const socket: Socket = this.#environment.open(this.#path(), {
      // An abandoned socket may still deliver messages, so only the current one is heard.
      message: (data) => this.#socket === socket && this.#onMessage(data),
      closed: (code, reason) => this.#socket === socket && this.#onClose(code, reason),
    });
    this.#socket = socket;
    this.#setTimer(() => this.#abandon(), HELLO_TIMEOUT_MS);
  }

  #path(): string {
    if (!this.#position) {
      return "/ws";
    }
    const { epoch, offset } = this.#position;
    return `/ws?epoch=${encodeURIComponent(epoch)}&offset=${offset}`;
  }

  #onMessage(data: unknown): void {
    const frame = parseFrame(data);
    if (frame) {
      this.#setTimer(() => this.#abandon(), SILENCE_TIMEOUT_MS);
      this.#onFrame(frame);
      this.#lastMessageAt = this.#clock.at(this.#environment.now());
    } else {
      console.warn("Tradewire: skipped an invalid frame");
    }
  }

  #onFrame(frame: Frame): void {
    if (frame.kind === "hello") {
      this.#onHello(frame);
      return;
    }
    if (frame.kind === "events") {
      this.#listener.events(frame.events);
    } else {
      this.#gap("skipped");
    }
    if (this.#position) {
      this.#position.offset = frame.offset;
    }
  }

  #onHello(hello: HelloFrame): void {
    const now = this.#environment.now();
    this.#backoff.reset();
    if (hello.serverNow !== undefined) {
      this.#clock.adjust(hello.serverNow, this.#openedAt, now);
    }
    const before = this.#position;
    // After a resume, the next frames continue from our own offset. The hello's offset may be ahead of them.
    if (!(before && hello.resumed)) {
      this.#position = { epoch: hello.epoch, offset: hello.offset };
    }
    if (before && !hello.resumed) {
      this.#gap(before.epoch === hello.epoch ? "away" : "restarted");
    }
    if (!(this.#isRenewing && hello.resumed)) {
      const sinceMs = hello.serverNow ?? this.#clock.at(now);
      this.#listener.connection({ phase: "live", sinceMs, version: hello.version });
    }
    this.#isRenewing = false;
  }

  #gap(reason: Gap["reason"]): void {
    this.#listener.gap({
      since: this.#lastMessageAt ?? 0,
      until: this.#clock.at(this.#environment.now()),
      reason,
    });
  }

  #abandon(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    // A dead connection may take long to close, so this doesn't wait for it.
    socket?.close();
    this.#retryIn(this.#backoff.next(), "unreachable");
  }

  #onClose(code: number, reason: string): void {
    this.#socket = undefined;
    if (code === RESTARTING && reason === CONNECT_AGAIN && !this.#isRenewing) {
      this.#isRenewing = true;
      this.#connect();
      return;
    }
    const delay = code === RESTARTING ? this.#environment.random() * RESTART_SPREAD_MS : this.#backoff.next();
    this.#retryIn(delay, CLOSE_REASONS[code] ?? (this.#environment.isOwnOrigin ? "unreachable" : "foreign"));
  }

  #retryIn(delayMs: number, reason: OfflineReason): void {
    this.#waiting = true;
    this.#isRenewing = false;
    const retryAt = this.#environment.now() + delayMs;
    this.#listener.connection({ phase: "offline", reason, retryAt, silentSinceMs: this.#lastMessageAt });
    this.#setTimer(() => this.#open(), delayMs);
  }

  #setTimer(run: () => void, afterMs: number): void {
    this.#environment.clearTimer(this.#timer);
    this.#timer = this.#environment.setTimer(run, afterMs);
  }
}
