/** Says what may be missing from this page, until the reader has taken note. */

import { byId } from "./dom.ts";
import type { Miss } from "./feed.ts";
import { period } from "./format.ts";
import type { State } from "./state.ts";

const REASONS: Readonly<Record<Miss["why"], string>> = {
  restarted: "the live server restarted",
  away: "this page was away for longer than the live server remembers",
  behind: "this page could not keep up with the live server",
  several: "the connection broke several times",
};

export class Notice {
  readonly #notice = byId("notice", HTMLElement);
  readonly #list = byId("misses", HTMLUListElement);
  #shown: readonly Miss[] = [];

  constructor(dismiss: () => void) {
    byId("dismiss", HTMLButtonElement).addEventListener("click", dismiss);
  }

  paint({ misses }: State): void {
    if (misses === this.#shown) {
      return;
    }
    this.#shown = misses;
    this.#notice.hidden = misses.length === 0;
    this.#list.replaceChildren(...misses.map(line));
  }
}

function line(miss: Miss): HTMLLIElement {
  const item = document.createElement("li");
  const when = period(miss.since, miss.until);
  item.textContent = `Some trades between ${when} may be missing from this page: ${REASONS[miss.why]}.`;
  return item;
}
