/** The losses of the ledger: the unsettled ones, and the settled ones. */

import { tradePath } from "../filters/dialog.ts";
import type { Loss, Span } from "../server/ledger.ts";
import { element, setText } from "../ui/dom.ts";
import { numberFormat } from "../ui/format.ts";
import type { Zone } from "../ui/preferences.ts";
import { dateAndClock, zoneName } from "../ui/time-format.ts";

const whole = numberFormat();

export class LossList {
  readonly element = element("div", "losses");
  readonly #title = element("h4", "");
  readonly #list = element("ul", "");
  #painted = "";

  constructor(title: string, testId: string) {
    setText(this.#title, title);
    this.element.dataset["testid"] = testId;
    this.element.append(this.#title, this.#list);
  }

  /** Leaves the list alone if it is the same, so that a focused link keeps the focus. */
  paint(losses: readonly Loss[], zone: Zone): void {
    const painted = JSON.stringify([losses, zone]);
    if (painted === this.#painted) {
      return;
    }
    this.#painted = painted;
    this.element.hidden = losses.length === 0;
    this.#list.replaceChildren(...losses.map((loss) => lossItem(loss, zone)));
  }
}

/** Says what was lost, when, and when it was settled. */
export function lossText({ tube, messages, receivedMs, settledMs }: Loss, zone: Zone): string {
  const at = (ms: number): string => `${dateAndClock(ms, zone)} ${zoneName(zone)}`;
  return [
    `${whole.format(messages)} in ${tube}`,
    ...(receivedMs === undefined ? [] : [`accepted at ${at(receivedMs)}`]),
    ...(settledMs === undefined ? [] : [`settled by an operator at ${at(settledMs)}`]),
  ].join(", ");
}

/** Says which trades may be lost since the server was restored from a backup. */
export function spanText({ sinceMs, untilMs }: Span, zone: Zone): string {
  const at = (ms: number | undefined): string => (ms === undefined ? "–" : dateAndClock(ms, zone));
  return `Received from ${at(sinceMs)} to ${at(untilMs)} ${zoneName(zone)}: not all trades were in the backup.`;
}

/** A loss with a link to each trade whose id is known. */
function lossItem(loss: Loss, zone: Zone): HTMLElement {
  const item = element("li", "");
  item.append(`${lossText(loss, zone)}${loss.ids.length > 0 ? ": " : "."}`);
  for (const [index, id] of loss.ids.entries()) {
    const link = element("a", "");
    link.href = tradePath(id);
    link.textContent = id;
    item.append(index > 0 ? ", " : "", link);
  }
  return item;
}
