/** Says what may be missing from this page, until it is there or the reader has taken note. */

import type { Panel, View } from "../page.ts";
import type { Miss } from "../stream/feed.ts";
import { byId } from "../ui/dom.ts";
import type { Zone } from "../ui/preferences.ts";
import { period } from "../ui/time-format.ts";

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
  #zone: Zone | undefined;

  constructor(dismiss: () => void) {
    byId("dismiss", HTMLButtonElement).addEventListener("click", dismiss);
  }

  paint({ state: { misses, late }, zone }: View): void {
    if (misses === this.#misses && late === this.#late && zone === this.#zone) {
      return;
    }
    this.#zone = zone;
    this.#misses = misses;
    this.#late = late;
    const lines = misses.map((miss) => line(`${missing(miss, zone)}.`));
    if (late) {
      lines.push(
        line(`${missing(late, zone)}, and the archive can't fill the gap yet. The page keeps asking.`),
      );
    }
    this.#notice.hidden = lines.length === 0;
    this.#list.replaceChildren(...lines);
  }
}

function missing({ since, until, why }: Miss, zone: Zone): string {
  return `Some trades between ${period(since, until, zone)} may be missing from this page: ${REASONS[why]}`;
}

function line(text: string): HTMLLIElement {
  const item = document.createElement("li");
  item.textContent = text;
  return item;
}
