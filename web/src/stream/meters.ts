/** Small instruments: how many a second, now and lately, and how late. Each keeps a bounded history. */

const RATE_WINDOW_MS = 5000;
const LATENCY_SAMPLES = 500;

/** Messages a second over the last five seconds, from samples of a running total. */
export class RateMeter {
  readonly #samples: { readonly at: number; readonly total: number }[] = [];

  /** To be told about once a second. */
  sample(nowMs: number, total: number): void {
    this.#samples.push({ at: nowMs, total });
    // Timers of a hidden page are slow: one sample from before the window stays, so that it is always spanned.
    while (this.#samples.length > 2 && nowMs - (this.#samples[1]?.at ?? nowMs) >= RATE_WINDOW_MS) {
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

const TRAIL = 60;

/** How many came in each of the last seconds, from a running total. */
export class Trail {
  readonly #perSecond: number[] = [];
  #total = 0;

  /** To be told once a second. */
  sample(total: number): void {
    this.#perSecond.push(total - this.#total);
    this.#total = total;
    if (this.#perSecond.length > TRAIL) {
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
}

/** Time from POST to screen of the last updates: they wait here until the frame that shows them is painted. */
export class LatencyMeter {
  #waiting: number[] = [];
  #measured: number[] = [];

  /** An update came that was received at `receivedMs`, and will be on the screen soon. */
  arrived(receivedMs: number): void {
    this.#waiting.push(receivedMs);
    // A burst may bring thousands between two frames: the last of them tell enough.
    if (this.#waiting.length >= 2 * LATENCY_SAMPLES) {
      this.#waiting = this.#waiting.slice(-LATENCY_SAMPLES);
    }
  }

  /** Everything that came is on the screen now, at `nowMs`. */
  painted(nowMs: number): void {
    for (const receivedMs of this.#waiting) {
      this.#measured.push(Math.max(0, nowMs - receivedMs));
    }
    this.#measured = this.#measured.slice(-LATENCY_SAMPLES);
    this.#waiting = [];
  }

  /** The page went out of sight: what is waiting won't be painted when it could have been. */
  forgetWaiting(): void {
    this.#waiting = [];
  }

  /** Undefined as long as nothing was measured. */
  read(): Latency | undefined {
    if (this.#measured.length === 0) {
      return;
    }
    const sorted = this.#measured.toSorted((a, b) => a - b);
    return { medianMs: percentile(sorted, 50), p99Ms: percentile(sorted, 99) };
  }
}

/** The nearest-rank percentile of numbers in ascending order. */
function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? 0;
}
