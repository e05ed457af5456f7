/**
 * How the page and its panels meet.
 *
 * A panel is made once, with its place in index.html and what it may use of the page (`Page`). From then on it is
 * painted: `paint(view)` is called at most once an animation frame, for all panels in turn, with everything that the
 * page knows at that moment. A panel keeps what it showed last and leaves the document alone where nothing that it
 * shows has changed: whatever is in a view is replaced when it changes (never changed in place), so `===` tells.
 * The one exception is `state`, which has its own words for that. A panel that has something new to show by itself
 * (an answer came, someone scrolled) asks for a paint with `page.repaint()`.
 */

import type { Address, Window } from "./filters/address.ts";
import type { Filters } from "./filters/filters.ts";
import type { Ask } from "./server/archive.ts";
import type { Fetch } from "./server/fetch.ts";
import type { Health } from "./server/health.ts";
import type { Pair, Statistics } from "./server/stats-poller.ts";
import type { Timing } from "./server/timing.ts";
import type { State } from "./stream/state.ts";
import type { Zone } from "./ui/preferences.ts";

/** What a frame is painted from. */
export interface View {
  readonly state: State;
  readonly filters: Filters;
  readonly window: Window;
  readonly zone: Zone;
  readonly statistics: Statistics;
  readonly health: Health;
  /** The server's clock, in milliseconds since 1970. */
  readonly nowMs: number;
}

export interface Panel {
  paint(view: View): void;
}

/** What a panel may use of the page. */
export interface Page {
  /** Filters and window: to read them, change them, and hear of changes. */
  readonly address: Address;
  readonly state: State;
  readonly timing: Timing;
  readonly fetch: Fetch;
  readonly ask: Ask;
  /** Asks for a paint in the next frame. */
  readonly repaint: () => void;
  /** Asks for the series of one pair, with volume and rates: `statistics.focus` in the views that follow. */
  readonly focusOn: (pair: Pair | undefined) => void;
}
