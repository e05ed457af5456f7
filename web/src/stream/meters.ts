/** Meters for the current rate, the rate history and the latency. Each keeps a bounded number of samples. */

const RATE_WINDOW_MS = 5000;
const LATENCY_SAMPLES = 500;

/** Trades per second over the last five seconds, from samples of a running count. */
export class RateMeter {
  readonly #samples: { readonly at: number; readonly total: number }[] = [];

  /** Call about once a second. */
  sample(nowMs: number, total: number): void {
    this.#samples.push({ at: nowMs, total });
    // Timers of a hidden page run slowly. One sample from before the window is kept, so that the window is
    // always covered.
    while (nowMs - (this.#samples[1]?.at ?? nowMs) >= RATE_WINDOW_MS) {
      this.#samples.shift();
    }
  }

  get perSecond(): number {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (!(first && last) || last.at <= first.at) {
      return 0;
    }
    return ((last.total - first.total) * 1000) / (last.at - first.at);
  }
}

const HISTORY_SECONDS = 60;

/** Trades in each of the last 60 seconds, from samples of a running count. */
export class RateHistory {
  readonly #perSecond: number[] = [];
  #total = 0;

  /** Call once a second. */
  sample(total: number): void {
    this.#perSecond.push(total - this.#total);
    this.#total = total;
    if (this.#perSecond.length > HISTORY_SECONDS) {
      this.#perSecond.shift();
    }
  }

  /** Oldest first. */
  get perSecond(): readonly number[] {
    return this.#perSecond;
  }
}

export interface Latency {
  readonly medianMs: number;
  readonly p99Ms: number;
  /** How many of the latest trades are left out, because they waited in a backlog. */
  readonly delayed: number;
}

/** A trade that took longer waited in the queue, until a processor or this page was back. */
const DELAYED_MS = 1000;

/**
 * Time from POST to screen of the latest trades. A trade is pending until the frame that shows it is painted.
 *
 * A drained backlog would hide how fast trades are shown now, so its trades are only counted. If all trades are
 * delayed, their delay is the latency.
 */
export class LatencyMeter {
  #pending: number[] = [];
  #measured: number[] = [];

  /** A trade arrived that was received at `receivedMs`. It is on the screen after the next frame. */
  add(receivedMs: number): void {
    this.#pending.push(receivedMs);
    // A burst may bring thousands between two frames, and a hidden page has no frames.
    if (this.#pending.length > LATENCY_SAMPLES) {
      this.#pending.shift();
    }
  }

  /** All pending trades are on the screen since `nowMs`. */
  painted(nowMs: number): void {
    for (const receivedMs of this.#pending) {
      this.#measured.push(Math.max(0, nowMs - receivedMs));
    }
    this.#measured = this.#measured.slice(-LATENCY_SAMPLES);
    this.#pending = [];
  }

  /** Call when the page is hidden or shown: pending trades are not painted in time. */
  discardPending(): void {
    this.#pending = [];
  }

  /** Undefined before the first measurement. */
  read(): Latency | undefined {
    if (this.#measured.length === 0) {
      return;
    }
    const prompt = this.#measured.filter((ms) => ms <= DELAYED_MS);
    const sorted = (prompt.length > 0 ? prompt : this.#measured).toSorted((a, b) => a - b);
    return {
      medianMs: percentile(sorted, 50),
      p99Ms: percentile(sorted, 99),
      delayed: this.#measured.length - sorted.length,
    };
  }
}

/** Returns the nearest-rank percentile of ascending numbers. */
function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? 0;
}
