/** Clock, timers and randomness. Passed in, so that tests control them. */

export type Timer = ReturnType<typeof setTimeout>;

export interface Timing {
  /** Returns milliseconds since 1970, by the browser's clock. */
  readonly now: () => number;
  readonly random: () => number;
  readonly setTimer: (run: () => void, afterMs: number) => Timer;
  readonly clearTimer: (timer: Timer | undefined) => void;
}
