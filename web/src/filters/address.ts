/**
 * The part of the page's state that a link carries: the filters and the time range.
 *
 * Each change by the user adds a history entry, so that Back undoes it. Consecutive keystrokes in the search
 * field share one entry.
 */

import { type Filters, NO_FILTERS, parseFilters, sameFilters, writeFilters } from "./filters.ts";
import { DEFAULT_RANGE, parseRange, type Range, sameRange, writeRange } from "./range.ts";

/** The browser's address bar and history, reduced to what the page needs. Tests pass a fake. */
export interface AddressBar {
  /** Returns the query in the address, such as `?from=EUR`. */
  read(): string;
  /** Writes a query, as a new history entry or over the current one. */
  write(query: string, step: "new" | "same"): void;
  /** Registers a callback for Back and Forward. */
  onMove(moved: () => void): void;
}

export class Address {
  readonly #bar: AddressBar;
  readonly #listeners: (() => void)[] = [];
  #filters: Filters = NO_FILTERS;
  #range = DEFAULT_RANGE;
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

  /** Registers a callback for every change of filters or range. */
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
      this.#write("new");
    }
  }

  #change(filters: Filters, step: "new" | "same"): void {
    if (!sameFilters(filters, this.#filters)) {
      this.#filters = filters;
      this.#write(step);
    }
  }

  #read(): void {
    const query = new URLSearchParams(this.#bar.read());
    this.#filters = parseFilters(query);
    this.#range = parseRange(query) ?? DEFAULT_RANGE;
  }

  #write(step: "new" | "same"): void {
    const query = new URLSearchParams();
    writeFilters(this.#filters, query);
    writeRange(this.#range, query);
    this.#bar.write(query.size > 0 ? `?${query}` : "", step);
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
    read: () => location.search,
    write: (query, step) => {
      const address = `${location.pathname}${query}`;
      if (step === "new") {
        history.pushState(null, "", address);
      } else {
        history.replaceState(null, "", address);
      }
    },
    onMove: (moved) => addEventListener("popstate", moved),
  };
}
