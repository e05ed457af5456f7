/**
 * What the page shows, as far as a link says it: the filters, and the window of the figures.
 *
 * A change by the reader is a step that Back undoes; letters of one word that is being typed are one step together.
 */

import { type Filters, NO_FILTERS, parseFilters, sameFilters, writeFilters } from "./filters.ts";

export const WINDOWS = ["15m", "1h", "24h", "7d"] as const;

export type Window = (typeof WINDOWS)[number];

const USUAL: Window = "1h";

export const WINDOW_MS: Readonly<Record<Window, number>> = {
  "15m": 900_000,
  "1h": 3_600_000,
  "24h": 86_400_000,
  "7d": 604_800_000,
};

/** The browser's address bar and history, cut down to what is needed, so that tests can bring their own. */
export interface Bar {
  /** The query in the address, such as `?from=EUR`. */
  read(): string;
  /** Puts a query there, as a new step or in place of the present one. */
  write(query: string, step: "new" | "same"): void;
  /** Calls back when the reader went back or forth. */
  onMove(moved: () => void): void;
}

export class Address {
  readonly #bar: Bar;
  readonly #listeners: (() => void)[] = [];
  #filters: Filters = NO_FILTERS;
  #window: Window = USUAL;
  #typing = false;

  constructor(bar: Bar) {
    this.#bar = bar;
    this.#read();
    bar.onMove(() => {
      this.#typing = false;
      this.#read();
      this.#tell();
    });
  }

  get filters(): Filters {
    return this.#filters;
  }

  get window(): Window {
    return this.#window;
  }

  /** Calls back after each change of filters or window, whoever made it. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Sets some filters, and leaves the others. Values must be what `readFilter` gives. */
  filter(changes: Partial<Filters>): void {
    this.#typing = false;
    this.#filter({ ...this.#filters, ...changes }, "new");
  }

  /** Sets some filters, and where they are set already, takes them away: what a click does. */
  toggle(changes: Partial<Filters>): void {
    const all = { ...this.#filters, ...changes };
    const none = Object.fromEntries(Object.keys(changes).map((name) => [name, ""]));
    this.filter(sameFilters(all, this.#filters) ? none : changes);
  }

  /** As `filter`, with each letter that is typed: all up to the next other change are one step. */
  type(changes: Partial<Filters>): void {
    const filters = { ...this.#filters, ...changes };
    if (!sameFilters(filters, this.#filters)) {
      this.#filter(filters, this.#typing ? "same" : "new");
      this.#typing = true;
    }
  }

  /** The field was left: what is typed next is another step. */
  typed(): void {
    this.#typing = false;
  }

  show(window: Window): void {
    if (window !== this.#window) {
      this.#typing = false;
      this.#window = window;
      this.#write("new");
    }
  }

  #filter(filters: Filters, step: "new" | "same"): void {
    if (!sameFilters(filters, this.#filters)) {
      this.#filters = filters;
      this.#write(step);
    }
  }

  #read(): void {
    const query = new URLSearchParams(this.#bar.read());
    this.#filters = parseFilters(query);
    this.#window = WINDOWS.find((window) => window === query.get("window")) ?? USUAL;
  }

  #write(step: "new" | "same"): void {
    const query = new URLSearchParams();
    writeFilters(this.#filters, query);
    if (this.#window !== USUAL) {
      query.set("window", this.#window);
    }
    this.#bar.write(query.size > 0 ? `?${query}` : "", step);
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) {
      listener();
    }
  }
}

/** The bar of this browser's window. */
export function addressBar(): Bar {
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
