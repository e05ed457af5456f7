/** What is loaded, in another order than that in which it came. */

import type { Update } from "../trade/event.ts";
import { COLUMNS } from "./columns.ts";
import type { Sort } from "./layout.ts";
import type { Tape } from "./trade-list.ts";

export class Sorted {
  #sort: Sort | undefined;
  #shown: readonly Update[] = [];
  #length = 0;
  #sorted: readonly Update[] = [];

  /** The tape's trades in this order: sorted anew only where there are others, or another order is wanted. */
  of(tape: Tape, sort: Sort): readonly Update[] {
    if (sort !== this.#sort || tape.shown !== this.#shown || tape.length !== this.#length) {
      this.#sort = sort;
      this.#shown = tape.shown;
      this.#length = tape.length;
      this.#sorted = inOrder(tape.held, sort);
    }
    return this.#sorted;
  }
}

function inOrder(updates: readonly Update[], { by, direction }: Sort): readonly Update[] {
  const compare = COLUMNS.find(({ name }) => name === by)?.compare ?? (() => 0);
  return direction === "ascending" ? updates.toSorted(compare) : updates.toSorted((a, b) => compare(b, a));
}
