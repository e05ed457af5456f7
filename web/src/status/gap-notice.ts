/** Lists the gaps that could not be filled, until the reader dismisses them, and an announced gap. */

import type { Panel, View } from "../page.ts";
import type { Gap } from "../stream/feed.ts";
import { byId } from "../ui/dom.ts";
import type { Zone } from "../ui/preferences.ts";
import { formatRange } from "../ui/time-format.ts";

const REASONS: Readonly<Record<Gap["reason"], string>> = {
  restarted: "the live server restarted",
  away: "this page was disconnected for longer than the live server keeps trades",
  skipped: "the live server skipped trades for this page",
  several: "the connection was lost several times",
};

export class GapNotice implements Panel {
  readonly #notice = byId("gap-notice", HTMLElement);
  readonly #list = byId("gaps", HTMLUListElement);
  #gaps: readonly Gap[] = [];
  #announcedGap: Gap | undefined;
  #zone: Zone | undefined;

  constructor(dismiss: () => void) {
    byId("dismiss", HTMLButtonElement).addEventListener("click", dismiss);
  }

  paint({ state: { gaps, announcedGap }, zone }: View): void {
    if (gaps === this.#gaps && announcedGap === this.#announcedGap && zone === this.#zone) {
      return;
    }
    this.#zone = zone;
    this.#gaps = gaps;
    this.#announcedGap = announcedGap;
    const lines = gaps.map((gap) => line(`${gapText(gap, zone)}.`));
    if (announcedGap) {
      lines.push(
        line(
          `${gapText(announcedGap, zone)}, and the archive can’t fill the gap yet. The page keeps trying.`,
        ),
      );
    }
    this.#notice.hidden = lines.length === 0;
    this.#list.replaceChildren(...lines);
  }
}

function gapText({ since, until, reason }: Gap, zone: Zone): string {
  const range = formatRange(since, until, zone);
  return `Some trades between ${range} may be missing from this page: ${REASONS[reason]}`;
}

function line(text: string): HTMLLIElement {
  const item = document.createElement("li");
  item.textContent = text;
  return item;
}
