/** One trade, opened: its values, what became of it, and what was sent, word for word. */

import type { Page } from "../page.ts";
import type { Update } from "../trade/event.ts";
import { copyFrom } from "../ui/copy-button.ts";
import { byId, element, setText } from "../ui/dom.ts";
import { countryNames, decimalFormat } from "../ui/format.ts";
import type { Zone } from "../ui/preferences.ts";
import { clockTime, dateAndClock, zoneName } from "../ui/time-format.ts";
import { flagReason } from "./flags.ts";
import { askTrace, delayWords, eventWords, type Trace } from "./trace.ts";

/** What is not told yet is asked for again after so long. */
const AGAIN_MS = 2000;

const decimal = decimalFormat();
const countryName = countryNames();

export class Detail {
  readonly #page: Page;
  readonly #dialog = byId("trade-dialog", HTMLDialogElement);
  readonly #values = byId("trade-values", HTMLElement);
  readonly #events = byId("trade-events", HTMLOListElement);
  readonly #status = byId("trade-status", HTMLElement);
  readonly #raw = byId("trade-raw", HTMLElement);
  readonly #copy = byId("trade-copy", HTMLButtonElement);
  #zone: Zone = "utc";
  #update: Update | undefined;
  #trace: Trace | undefined;

  constructor(page: Page) {
    this.#page = page;
    copyFrom(this.#copy, this.#raw);
    this.#dialog.addEventListener("close", () => {
      this.#update = undefined;
    });
    // A click beside the sheet lands on the dialog itself.
    this.#dialog.addEventListener("click", ({ target }) => {
      if (target === this.#dialog) {
        this.#dialog.close();
      }
    });
  }

  get isOpen(): boolean {
    return this.#dialog.open;
  }

  open(update: Update): void {
    this.#update = update;
    this.#trace = undefined;
    setText(this.#copy, "Copy");
    setText(this.#status, "Asking the archive…");
    this.#paint();
    this.#dialog.showModal();
    this.#ask(update);
  }

  paint(zone: Zone): void {
    if (zone !== this.#zone) {
      this.#zone = zone;
      this.#paint();
    }
  }

  /** Until all is told, or the sheet shows another trade or none. */
  async #ask(update: Update): Promise<void> {
    while (this.#update === update) {
      // biome-ignore lint/performance/noAwaitInLoops: one try after the other is the point
      const againMs = await this.#askOnce(update);
      if (againMs === undefined) {
        return;
      }
      await new Promise((resolve) => {
        this.#page.timing.setTimer(() => resolve(undefined), againMs);
      });
    }
  }

  /** After so many milliseconds there may be more to tell; undefined where there can't be. */
  async #askOnce(update: Update): Promise<number | undefined> {
    try {
      const answer = await askTrace(this.#page.fetch, update.id);
      if (this.#update !== update) {
        return;
      }
      if ("afterMs" in answer) {
        setText(this.#status, "Not archived yet. Asking again…");
        return answer.afterMs;
      }
      this.#trace = answer;
      setText(this.#status, answer.isDone ? "" : "There may be more to come.");
      this.#paint();
      return answer.isDone ? undefined : AGAIN_MS;
    } catch {
      if (this.#update === update) {
        setText(this.#status, "The archive can’t be reached now. Asking again…");
      }
      return AGAIN_MS;
    }
  }

  #paint(): void {
    const update = this.#update;
    if (!update) {
      return;
    }
    this.#values.replaceChildren(...values(update, this.#zone).flatMap(([name, value]) => pair(name, value)));
    const { events } = this.#trace ?? { events: [] };
    this.#events.replaceChildren(
      ...events.map((event) => {
        const item = element("li", "");
        const ms = event.atMicros / 1000;
        item.append(
          cell("what", eventWords(event)),
          cell("at", `${dateAndClock(ms, this.#zone).slice(0, 10)} ${clockTime(ms, this.#zone, true)}`),
          cell("delay", this.#trace ? delayWords(this.#trace, event) : ""),
        );
        return item;
      }),
    );
    setText(this.#raw, raw(update, this.#trace));
  }
}

function values(update: Update, zone: Zone): readonly (readonly [string, string])[] {
  const receivedMs = update.receivedMicros / 1000;
  const placedMs = Date.parse(update.timePlaced);
  const name = zoneName(zone);
  const flags = update.flags.map((flag) => [`Flag ${flag}`, `${flagReason(flag)}.`] as const);
  return [
    ["Id", update.id],
    ["User", update.userId],
    ["Sold", `${decimal(update.amountSell)} ${update.currencyFrom}`],
    ["Bought", `${decimal(update.amountBuy)} ${update.currencyTo}`],
    ["Rate", decimal(update.rate)],
    ["Country", countryName(update.originatingCountry)],
    ["Placed", Number.isNaN(placedMs) ? update.timePlaced : `${dateAndClock(placedMs, zone)} ${name}`],
    ["Received", `${dateAndClock(receivedMs, zone)} ${name}`],
    ...flags,
  ];
}

/** The message as it travels; the archive's word counts most. */
function raw({ receivedMicros: _, ...update }: Update, trace: Trace | undefined): string {
  return JSON.stringify(trace?.message ?? update, undefined, 2);
}

function pair(name: string, value: string): readonly HTMLElement[] {
  const term = element("dt", "");
  const description = element("dd", "");
  term.textContent = name;
  description.textContent = value;
  return [term, description];
}

function cell(name: string, text: string): HTMLElement {
  const made = element("span", name);
  made.textContent = text;
  return made;
}
