/** Time and chance, handed in so that the tests have them in hand. */

export type Timer = ReturnType<typeof setTimeout>;

export interface Timing {
  /** Milliseconds since 1970, by the browser's clock. */
  readonly now: () => number;
  readonly random: () => number;
  readonly setTimer: (run: () => void, afterMs: number) => Timer;
  readonly clearTimer: (timer: Timer) => void;
}
