/**
 * The contract between the page and its panels.
 *
 * A panel is created once. It gets its element in index.html and the parts of the page that it may use
 * (`Page`). From then on the page calls `paint(view)` at most once per animation frame, for all panels in
 * order. The view holds everything that the page knows at that moment.
 *
 * Values in a view are replaced, never changed in place. A panel can therefore compare with `===`, and must
 * leave the document alone if nothing that it shows has changed. The exception is `state`, which is changed
 * in place. A panel that has something new of its own (an answer arrived, the user scrolled) calls
 * `page.repaint()`.
 */

import type { Address } from "./filters/address.ts";
import type { Dialog } from "./filters/dialog.ts";
import type { Filters } from "./filters/filters.ts";
import type { Order } from "./filters/order.ts";
import type { Range } from "./filters/range.ts";
import type { QueryArchive } from "./server/archive.ts";
import type { Fetch } from "./server/fetch.ts";
import type { Health } from "./server/health.ts";
import type { LedgerState } from "./server/ledger-poller.ts";
import type { Session } from "./server/session.ts";
import type { Pair, StatsSnapshot } from "./server/stats-poller.ts";
import type { Timing } from "./server/timing.ts";
import type { State } from "./stream/state.ts";
import type { Zone } from "./ui/preferences.ts";

/** The values that one frame is painted from. */
export interface View {
  readonly state: State;
  readonly filters: Filters;
  readonly range: Range;
  /** Of the list, as the address asks for it. */
  readonly order: Order;
  /** The range as the end of a sentence, such as `in the last hour`. Empty if it has no bounds. */
  readonly rangeLabel: string;
  /** Which parts of the link the page can't use, in sentences. */
  readonly problems: readonly string[];
  /** The open dialog. */
  readonly dialog: Dialog | undefined;
  readonly zone: Zone;
  readonly stats: StatsSnapshot;
  readonly health: Health;
  readonly ledger: LedgerState;
  readonly session: Session;
  /** The current time by the server's clock, in milliseconds since 1970. */
  readonly nowMs: number;
  /** How many trades wait to be shown because the live feed stalls. Undefined if it does not. */
  readonly stalled: number | undefined;
  /** Since when the figures stand still, such as `14:03:12 UTC`. Empty while they follow. */
  readonly stillSince: string;
}

export interface Panel {
  paint(view: View): void;
}

/** The parts of the page that a panel may use. */
export interface Page {
  /** Filters, time range, order and open dialog: to read, to change, and to watch. */
  readonly address: Address;
  readonly state: State;
  readonly timing: Timing;
  /** Returns the current time by the server's clock, in milliseconds since 1970. */
  readonly serverNow: () => number;
  readonly fetch: Fetch;
  readonly queryArchive: QueryArchive;
  /** Requests a paint in the next frame. */
  readonly repaint: () => void;
  /** Requests the series of one pair with volume and rates. Later views have it in `stats.focus`. */
  readonly focusOn: (pair: Pair | undefined) => void;
}
