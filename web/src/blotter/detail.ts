/** The dialog of one trade: its values, its history and its JSON. */

import type { Page } from "../page.ts";
import type { TradeEvent } from "../trade/event.ts";
import { copyFrom } from "../ui/copy-button.ts";
import { byId, element, setText } from "../ui/dom.ts";
import { countryNames, decimalFormat } from "../ui/format.ts";
import type { Zone } from "../ui/preferences.ts";
import { clockTime, dateAndClock, zoneName } from "../ui/time-format.ts";
import { flagReason } from "./flags.ts";
import { fieldText, LABELLED } from "./labelled.ts";
import { delayLabel, entryLabel, fetchTrace, type Trace } from "./trace.ts";

/** How often to query an incomplete history. */
const POLL_EVERY_MS = 2000;

const decimal = decimalFormat();
const countryName = countryNames();

export class Detail {
  readonly #page: Page;
  readonly #dialog = byId("trade-dialog", HTMLDialogElement);
  readonly #values = byId("trade-values", HTMLElement);
  readonly #entries = byId("trade-entries", HTMLOListElement);
  readonly #status = byId("trade-status", HTMLElement);
  readonly #raw = byId("trade-raw", HTMLElement);
  readonly #copy = byId("trade-copy", HTMLButtonElement);
  #zone: Zone = "utc";
  #trade: TradeEvent | undefined;
  #trace: Trace | undefined;

  constructor(page: Page) {
    this.#page = page;
    copyFrom(this.#copy, this.#raw);
    this.#dialog.addEventListener("close", () => {
      this.#trade = undefined;
    });
    // A click outside of the drawer lands on the dialog itself.
    this.#dialog.addEventListener("click", ({ target }) => {
      if (target === this.#dialog) {
        this.#dialog.close();
      }
    });
  }

  get isOpen(): boolean {
    return this.#dialog.open;
  }

  open(trade: TradeEvent): void {
    this.#trade = trade;
    this.#trace = undefined;
    setText(this.#copy, "Copy");
    setText(this.#status, "Loading the history…");
    this.#paint();
    this.#dialog.showModal();
    this.#poll(trade);
  }

  paint(zone: Zone): void {
    if (zone !== this.#zone) {
      this.#zone = zone;
      this.#paint();
    }
  }

  /** Polls until the history is complete, or the dialog is closed or shows another trade. */
  async #poll(trade: TradeEvent): Promise<void> {
    while (this.#trade === trade) {
      // biome-ignore lint/performance/noAwaitInLoops: attempts run one after another
      const delayMs = await this.#pollOnce(trade);
      if (delayMs === undefined) {
        return;
      }
      await new Promise((resolve) => {
        this.#page.timing.setTimer(() => resolve(undefined), delayMs);
      });
    }
  }

  /** Returns the delay until the next poll in milliseconds; undefined if none is needed. */
  async #pollOnce(trade: TradeEvent): Promise<number | undefined> {
    try {
      const result = await fetchTrace(this.#page.fetch, trade.id);
      if (this.#trade !== trade) {
        return;
      }
      if ("afterMs" in result) {
        setText(this.#status, "Not archived yet. Retrying…");
        return result.afterMs;
      }
      this.#trace = result;
      setText(this.#status, result.isDone ? "" : "More may follow.");
      this.#paint();
      return result.isDone ? undefined : POLL_EVERY_MS;
    } catch {
      if (this.#trade === trade) {
        setText(this.#status, "The archive is unreachable. Retrying…");
      }
      return POLL_EVERY_MS;
    }
  }

  #paint(): void {
    const trade = this.#trade;
    if (!trade) {
      return;
    }
    this.#values.replaceChildren(...values(trade, this.#zone).flatMap(([name, value]) => pair(name, value)));
    const { entries } = this.#trace ?? { entries: [] };
    this.#entries.replaceChildren(
      ...entries.map((entry) => {
        const item = element("li", "");
        const ms = entry.atMicros / 1000;
        item.append(
          cell("event", entryLabel(entry)),
          cell("at", `${dateAndClock(ms, this.#zone).slice(0, 10)} ${clockTime(ms, this.#zone, true)}`),
          cell("delay", this.#trace ? delayLabel(this.#trace, entry) : ""),
        );
        return item;
      }),
    );
    setText(this.#raw, raw(trade, this.#trace));
  }
}

function values(trade: TradeEvent, zone: Zone): readonly (readonly [string, string])[] {
  const receivedMs = trade.receivedMicros / 1000;
  const placedMs = Date.parse(trade.timePlaced);
  const name = zoneName(zone);
  const labelled = LABELLED.map((field) => [field.label, fieldText(field, trade, zone)] as const);
  const flags = trade.flags.map((flag) => [`Flag ${flag}`, `${flagReason(flag)}.`] as const);
  return [
    ["Id", trade.id],
    ["User", trade.userId],
    ["Sold", `${decimal(trade.amountSell)} ${trade.currencyFrom}`],
    ["Bought", `${decimal(trade.amountBuy)} ${trade.currencyTo}`],
    ["Rate", decimal(trade.rate)],
    ["Country", countryName(trade.originatingCountry)],
    ...labelled.filter(([, text]) => text !== ""),
    ["Placed", Number.isNaN(placedMs) ? trade.timePlaced : `${dateAndClock(placedMs, zone)} ${name}`],
    ["Received", `${dateAndClock(receivedMs, zone)} ${name}`],
    ...flags,
  ];
}

/** The message as JSON: the archived one if there is one. */
function raw({ receivedMicros: _, ...trade }: TradeEvent, trace: Trace | undefined): string {
  return JSON.stringify(trace?.message ?? trade, undefined, 2);
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
