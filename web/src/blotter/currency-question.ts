/** Asks for the currency of an order by amount. Until it is answered, the newest trades are listed first. */

import type { Address } from "../filters/address.ts";
import { missingCurrencies, NEWEST_FIRST } from "../filters/order.ts";
import type { View } from "../page.ts";
import { byId, element, setText } from "../ui/dom.ts";
import { type Choice, currencyChoices } from "./currency-choices.ts";
import { directionLabel, orderLabel } from "./order-labels.ts";

export class CurrencyQuestion {
  readonly #form = byId("order-currency", HTMLFormElement);
  readonly #label = element("label", "");
  readonly #select = element("select", "");
  readonly #sort = element("button", "");
  #choices: readonly Choice[] = [];
  #takesFocus = false;

  constructor(address: Address) {
    this.#select.id = "order-currency-choice";
    this.#select.autocomplete = "off";
    this.#label.htmlFor = this.#select.id;
    this.#sort.type = "submit";
    setText(this.#sort, "Sort");
    const cancel = element("button", "quiet");
    cancel.type = "button";
    setText(cancel, "Cancel");
    cancel.addEventListener("click", () => address.setOrder(NEWEST_FIRST));
    this.#form.append(this.#label, this.#select, this.#sort, cancel);
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      const choice = this.#choices[this.#select.selectedIndex];
      if (choice) {
        address.setOrder(address.order, choice.filters);
      }
    });
  }

  /** Gives the question the keyboard focus when it appears next: the reader has just asked for the order. */
  expect(): void {
    this.#takesFocus = true;
  }

  paint({ filters, order, stats }: View): void {
    const missing = missingCurrencies(order, filters);
    const wasHidden = this.#form.hidden;
    this.#form.hidden = missing.length === 0;
    if (!this.#form.hidden) {
      const name = `${orderLabel(order.by)}, ${directionLabel(order)}`;
      setText(this.#label, `Sort by ${name}, in which ${missing.length > 1 ? "pair" : "currency"}?`);
      this.#paintChoices(currencyChoices(missing, filters, (stats.pairs ?? stats.trades)?.pairs ?? []));
      if (wasHidden && this.#takesFocus) {
        this.#select.focus();
      }
    }
    this.#takesFocus = false;
  }

  /** Leaves the list alone if nothing has changed: it may be open. The choice stays. */
  #paintChoices(choices: readonly Choice[]): void {
    const text = (list: readonly Choice[]): string => list.map(({ label }) => label).join(" ");
    this.#sort.disabled = choices.length === 0;
    if (text(choices) !== text(this.#choices)) {
      const chosen = this.#select.value;
      this.#select.replaceChildren(...choices.map(({ label }) => new Option(label, label)));
      if (choices.some(({ label }) => label === chosen)) {
        this.#select.value = chosen;
      }
    }
    this.#choices = choices;
  }
}
