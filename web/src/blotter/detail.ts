/** The dialog of one trade: its values, its history and its JSON. The address names the trade. */

import type { Page, View } from "../page.ts";
import { parseTradeEvent, type TradeEvent } from "../trade/event.ts";
import { copyFrom } from "../ui/copy-button.ts";
import { byId, setText } from "../ui/dom.ts";
import { Modal } from "../ui/modal.ts";
import type { Zone } from "../ui/preferences.ts";
import { entryItems, rawText, valueList } from "./detail-view.ts";
import { type LookUp, TradeHistory } from "./trade-history.ts";

export interface DetailListener {
  /** Returns a trade that the list has; `step` rows below the one with this id. */
  readonly find: (id: string, step: number) => TradeEvent | undefined;
  /** Another trade is shown: marks its row. */
  readonly moved: (id: string) => void;
}

/** In the order of the list. */
const STEPS: ReadonlyMap<string, number> = new Map([
  ["ArrowLeft", -1],
  ["ArrowRight", 1],
]);

export class Detail {
  readonly #page: Page;
  readonly #listener: DetailListener;
  readonly #dialog = byId("trade-dialog", HTMLDialogElement);
  readonly #modal: Modal;
  readonly #values = byId("trade-values", HTMLElement);
  readonly #entries = byId("trade-entries", HTMLOListElement);
  readonly #history = byId("trade-history", HTMLElement);
  readonly #status = byId("trade-status", HTMLElement);
  readonly #json = byId("trade-json", HTMLElement);
  readonly #raw = byId("trade-raw", HTMLElement);
  readonly #copy = byId("trade-copy", HTMLButtonElement);
  readonly #previous = byId("trade-previous", HTMLButtonElement);
  readonly #next = byId("trade-next", HTMLButtonElement);
  readonly #lookUp: TradeHistory;
  #zone: Zone = "utc";
  #id = "";
  /** As the list had it. */
  #listed: TradeEvent | undefined;
  #found: LookUp | undefined;

  constructor(page: Page, listener: DetailListener) {
    this.#page = page;
    this.#listener = listener;
    this.#lookUp = new TradeHistory(page, (found) => {
      this.#found = found;
      this.#paint();
    });
    this.#modal = new Modal(this.#dialog, () => page.address.closeDialog());
    copyFrom(this.#copy, this.#raw);
    this.#previous.addEventListener("click", () => this.#step(-1));
    this.#next.addEventListener("click", () => this.#step(1));
    this.#dialog.addEventListener("keydown", (event) => {
      const step = STEPS.get(event.key);
      // The JSON may scroll sideways.
      if (step !== undefined && event.target !== this.#raw) {
        event.preventDefault();
        this.#step(step);
      }
    });
  }

  get isOpen(): boolean {
    return this.#modal.isOpen;
  }

  paint({ dialog, zone }: View): void {
    const id = dialog?.kind === "trade" ? dialog.id : "";
    const isOpen = dialog?.kind === "trade";
    if (id !== this.#id || isOpen !== this.#modal.isOpen) {
      this.#show(id, isOpen);
    } else if (isOpen && zone !== this.#zone) {
      this.#zone = zone;
      this.#paint();
    }
    this.#zone = zone;
    this.#modal.paint(isOpen);
    if (isOpen) {
      this.#previous.disabled = this.#listener.find(id, -1) === undefined;
      this.#next.disabled = this.#listener.find(id, 1) === undefined;
    }
  }

  #show(id: string, isOpen: boolean): void {
    this.#id = id;
    this.#found = undefined;
    this.#listed = isOpen ? this.#listener.find(id, 0) : undefined;
    setText(this.#copy, "Copy");
    this.#lookUp.follow(isOpen ? id : undefined);
    this.#paint();
  }

  #step(step: number): void {
    const next = this.#listener.find(this.#id, step);
    if (next) {
      this.#page.address.replaceDialog({ kind: "trade", id: next.id });
      this.#listener.moved(next.id);
    }
  }

  #paint(): void {
    const { trace, status = "" } = this.#found ?? {};
    const message = trace?.message;
    const trade = message === undefined ? this.#listed : parseTradeEvent(message);
    this.#values.replaceChildren(...(trade ? valueList(trade, this.#zone) : []));
    this.#entries.replaceChildren(...(trace ? entryItems(trace, this.#zone) : []));
    this.#history.hidden = !(trade || trace);
    setText(this.#status, status);
    const raw = rawText(message, this.#listed);
    this.#json.hidden = raw === "";
    setText(this.#raw, raw);
  }
}
