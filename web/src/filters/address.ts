/**
 * The part of the page's state that a link carries: the filters and the statistics window.
 *
 * Each change by the user adds a history entry, so that Back undoes it. Consecutive keystrokes in the search
 * field share one entry.
 */

import { type Filters, NO_FILTERS, parseFilters, sameFilters, writeFilters } from "./filters.ts";

export const WINDOWS = ["15m", "1h", "24h", "7d"] as const;

export type Window = (typeof WINDOWS)[number];

const DEFAULT_WINDOW: Window = "1h";

/** To follow “the last”. */
export const WINDOW_LABELS: Readonly<Record<Window, string>> = {
  "15m": "15 minutes",
  "1h": "hour",
  "24h": "24 hours",
  "7d": "7 days",
};

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
  #window: Window = DEFAULT_WINDOW;
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

  get window(): Window {
    return this.#window;
  }

  /** Registers a callback for every change of filters or window. */
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

  setWindow(window: Window): void {
    if (window !== this.#window) {
      this.#typing = false;
      this.#window = window;
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
    this.#window = WINDOWS.find((window) => window === query.get("window")) ?? DEFAULT_WINDOW;
  }

  #write(step: "new" | "same"): void {
    const query = new URLSearchParams();
    writeFilters(this.#filters, query);
    if (this.#window !== DEFAULT_WINDOW) {
      query.set("window", this.#window);
    }
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
