/** Says what may be missing from this page, until it is there or the reader has taken note. */

import { byId } from "./dom.ts";
import type { Miss } from "./feed.ts";
import { period } from "./format.ts";
import type { Panel, View } from "./page.ts";

const REASONS: Readonly<Record<Miss["why"], string>> = {
  restarted: "the live server restarted",
  away: "this page was away for longer than the live server remembers",
  behind: "this page could not keep up with the live server",
  several: "the connection broke several times",
};

export class Notice implements Panel {
  readonly #notice = byId("notice", HTMLElement);
  readonly #list = byId("misses", HTMLUListElement);
  #misses: readonly Miss[] = [];
  #late: Miss | undefined;

  constructor(dismiss: () => void) {
    byId("dismiss", HTMLButtonElement).addEventListener("click", dismiss);
  }

  paint({ state: { misses, late } }: View): void {
    if (misses === this.#misses && late === this.#late) {
      return;
    }
    this.#misses = misses;
    this.#late = late;
    const lines = misses.map((miss) => line(`${missing(miss)}.`));
    if (late) {
      lines.push(line(`${missing(late)}, and the archive can't fill the gap yet. The page keeps asking.`));
    }
    this.#notice.hidden = lines.length === 0;
    this.#list.replaceChildren(...lines);
  }
}

function missing({ since, until, why }: Miss): string {
  return `Some trades between ${period(since, until)} may be missing from this page: ${REASONS[why]}`;
}

function line(text: string): HTMLLIElement {
  const item = document.createElement("li");
  item.textContent = text;
  return item;
}
