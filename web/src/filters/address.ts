/**
 * The part of the page's state that a link carries: the filters, the time range, the order of the list, and the
 * open dialog.
 *
 * Each change by the user adds a history entry, so that Back undoes it. Consecutive keystrokes in the search
 * field share one entry.
 */

import { type AuditFilters, NO_AUDIT_FILTERS, sameAudit, writeAudit } from "./audit.ts";
import { type Dialog, type DialogAddress, dialogAddress, parseDialog } from "./dialog.ts";
import { type Filters, NO_FILTERS, parseFilters, sameFilters, writeFilters } from "./filters.ts";
import { NEWEST_FIRST, type Order, orderText, parseOrder, sameOrder } from "./order.ts";
import { findProblems } from "./problems.ts";
import { DEFAULT_RANGE, parseRange, type Range, sameRange, writeRange } from "./range.ts";

/** An entry of the browser's history. */
export interface Place extends DialogAddress {
  /** Empty, or with its leading `?`. */
  readonly query: string;
  /** Whether this page has opened a dialog with this entry, so that the entry before is the page below. */
  readonly isAbove: boolean;
}

/** The browser's address bar and history, reduced to what the page needs. Tests pass a fake. */
export interface AddressBar {
  read(): Place;
  /** Writes a new history entry, or over the current one. */
  write(place: Place, step: "new" | "same"): void;
  back(): void;
  /** Registers a callback for Back and Forward, and for links within the page. */
  onMove(moved: () => void): void;
}

export class Address {
  readonly #bar: AddressBar;
  readonly #listeners: (() => void)[] = [];
  #filters: Filters = NO_FILTERS;
  #range = DEFAULT_RANGE;
  #order = NEWEST_FIRST;
  #problems: readonly string[] = [];
  #dialog: Dialog | undefined;
  #isAbove = false;
  #typing = false;

  constructor(bar: AddressBar) {
    this.#bar = bar;
    this.#read();
    bar.onMove(() => {
      this.#typing = false;
      this.#read();
      this.#notify();
    });
  }

  get filters(): Filters {
    return this.#filters;
  }

  get range(): Range {
    return this.#range;
  }

  /** As asked for: the currency that it needs may be missing. */
  get order(): Order {
    return this.#order;
  }

  /** What the link asked for in vain, in sentences. Empty after the next change. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  dismissProblems(): void {
    this.#problems = [];
    this.#notify();
  }

  get dialog(): Dialog | undefined {
    return this.#dialog;
  }

  /** Registers a callback for every change. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Changes some filters and keeps the others. Values must come from `readFilter`. */
  setFilters(changes: Partial<Filters>): void {
    this.#typing = false;
    this.#change({ ...this.#filters, ...changes }, "new");
  }

  /** Sets some filters, or clears them if they already have these values. This is what a click does. */
  toggleFilters(changes: Partial<Filters>): void {
    const all = { ...this.#filters, ...changes };
    const none = Object.fromEntries(Object.keys(changes).map((name) => [name, ""]));
    this.setFilters(sameFilters(all, this.#filters) ? none : changes);
  }

  /**
   * Like `setFilters`, for a keystroke. All keystrokes up to the next other change share one history entry.
   */
  typeFilters(changes: Partial<Filters>): void {
    const filters = { ...this.#filters, ...changes };
    if (!sameFilters(filters, this.#filters)) {
      this.#change(filters, this.#typing ? "same" : "new");
      this.#typing = true;
    }
  }

  /** The field lost focus: the next keystroke starts a new history entry. */
  endTyping(): void {
    this.#typing = false;
  }

  setRange(range: Range): void {
    if (!sameRange(range, this.#range)) {
      this.#typing = false;
      this.#range = range;
      this.#isAbove = false;
      this.#write("new");
    }
  }

  /** Changes the order, and the filters that it needs. */
  setOrder(order: Order, changes: Partial<Filters> = {}): void {
    const filters = { ...this.#filters, ...changes };
    if (!(sameOrder(order, this.#order) && sameFilters(filters, this.#filters))) {
      this.#typing = false;
      this.#order = order;
      this.#filters = sameFilters(filters, this.#filters) ? this.#filters : filters;
      this.#write("new");
    }
  }

  /** Opens a dialog. Back leads to what was open before. */
  open(dialog: Dialog): void {
    this.#typing = false;
    this.#dialog = dialog;
    this.#isAbove = true;
    this.#write("new");
  }

  /** Shows another dialog in the place of the open one. */
  replaceDialog(dialog: Dialog): void {
    this.#dialog = dialog;
    this.#write("same");
  }

  /** Changes filters of the open audit trail. */
  setAuditFilters(changes: Partial<AuditFilters>): void {
    const before = this.#dialog?.kind === "audit" ? this.#dialog.filters : NO_AUDIT_FILTERS;
    const filters = { ...before, ...changes };
    if (!sameAudit(filters, before)) {
      this.#dialog = { kind: "audit", filters };
      this.#isAbove = false;
      this.#write("new");
    }
  }

  /**
   * Closes the dialog, as Back does. If the entry before is not the page below, it writes over this one: a page that
   * was opened with a dialog, or a dialog with other filters.
   */
  closeDialog(): void {
    this.#dialog = undefined;
    if (this.#isAbove) {
      // The browser goes back later. Until then, the dialog must not open again.
      this.#notify();
      this.#bar.back();
    } else {
      this.#write("same");
    }
  }

  #change(filters: Filters, step: "new" | "same"): void {
    if (!sameFilters(filters, this.#filters)) {
      this.#filters = filters;
      this.#write(step);
    }
  }

  #read(): void {
    const place = this.#bar.read();
    const query = new URLSearchParams(place.query);
    const [filters, range] = [parseFilters(query), parseRange(query) ?? DEFAULT_RANGE];
    const order = parseOrder(query.get("sort") ?? "") ?? NEWEST_FIRST;
    // Unchanged parts stay the same objects, so that nothing starts over when a dialog opens or closes.
    this.#filters = sameFilters(filters, this.#filters) ? this.#filters : filters;
    this.#range = sameRange(range, this.#range) ? this.#range : range;
    this.#order = sameOrder(order, this.#order) ? this.#order : order;
    this.#problems = findProblems(query);
    this.#dialog = parseDialog(place, query);
    this.#isAbove = place.isAbove;
  }

  #write(step: "new" | "same"): void {
    this.#problems = [];
    const query = new URLSearchParams();
    writeFilters(this.#filters, query);
    writeRange(this.#range, query);
    if (!sameOrder(this.#order, NEWEST_FIRST)) {
      query.set("sort", orderText(this.#order));
    }
    if (this.#dialog?.kind === "audit") {
      writeAudit(this.#dialog.filters, query);
    }
    const place = {
      ...dialogAddress(this.#dialog),
      query: query.size > 0 ? `?${query}` : "",
      isAbove: this.#isAbove,
    };
    this.#bar.write(place, step);
    this.#notify();
  }

  #notify(): void {
    for (const listener of this.#listeners) {
      listener();
    }
  }
}

/** The address bar of this browser window. */
export function browserAddressBar(): AddressBar {
  return {
    read: () => ({
      path: location.pathname,
      query: location.search,
      hash: location.hash,
      isAbove: history.state?.isAbove === true,
    }),
    write: ({ path, query, hash, isAbove }, step) => {
      const address = `${path}${query}${hash}`;
      if (step === "new") {
        history.pushState({ isAbove }, "", address);
      } else {
        history.replaceState({ isAbove }, "", address);
      }
    },
    back: () => history.back(),
    onMove: (moved) => addEventListener("popstate", moved),
  };
}
