/** The line in which one says what to see: words, a menu of fields, and what is set as chips to take away again. */

import { WINDOWS, type Window } from "../filters/address.ts";
import {
  FILTER_NAMES,
  type FilterName,
  type Filters,
  isEmptyRange,
  NO_FILTERS,
  readFilter,
} from "../filters/filters.ts";
import type { Page, Panel, View } from "../page.ts";
import type { Statistics } from "../server/stats-poller.ts";
import type { Timer } from "../server/timing.ts";
import { COUNTRIES, CURRENCIES } from "../trade/codes.ts";
import { byId, element, setText } from "../ui/dom.ts";
import { countryNames, decimalFormat, decimalReader } from "../ui/format.ts";
import { onKey } from "../ui/keys.ts";
import { Choice } from "../ui/radio-group.ts";

/** One letter after the other asks the archive nothing yet. */
const TYPED_AFTER_MS = 200;

const decimal = decimalFormat();
const readDecimal = decimalReader();

const HINTS: Readonly<Record<FilterName, string>> = {
  from: "That is no currency’s code, such as EUR.",
  to: "That is no currency’s code, such as GBP.",
  country: "That is no country’s code, such as FR.",
  user: "A user’s id has up to 64 characters.",
  flag: "A flag is a word in small letters, such as rate-mismatch.",
  min: `An amount is a number such as ${decimal("747.10")}.`,
  max: `An amount is a number such as ${decimal("747.10")}.`,
  q: "Up to 128 characters.",
};

const countryName = countryNames();
const currencyNames = new Intl.DisplayNames(undefined, { type: "currency" });
const currencyName = (code: string): string => currencyNames.of(code) ?? code;

type Field = HTMLInputElement | HTMLSelectElement;

export class FilterBar implements Panel {
  readonly #page: Page;
  readonly #fields: ReadonlyMap<FilterName, Field>;
  readonly #menu = byId("fields-open", HTMLElement);
  readonly #chips = byId("chips", HTMLUListElement);
  readonly #clear = byId("clear", HTMLButtonElement);
  readonly #remark = byId("leaves-out", HTMLElement);
  readonly #hint = byId("field-hint", HTMLElement);
  readonly #windows: Choice<Window>;
  #filters: Filters | undefined;
  #statistics: Statistics | undefined;
  #timer: Timer | undefined;

  constructor(page: Page) {
    this.#page = page;
    this.#fields = new Map(FILTER_NAMES.map((name) => [name, field(name)]));
    for (const [name, input] of this.#fields) {
      input.addEventListener("change", () => (name === "q" ? this.#typed() : this.#chosen(name, input)));
    }
    const q = field("q");
    q.addEventListener("input", () => this.#typing(q));
    byId("filters", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      // What is wrong must be seen.
      byId("fields", HTMLDetailsElement).open = this.#hint.textContent !== "";
    });
    this.#clear.addEventListener("click", () => {
      page.address.filter(NO_FILTERS);
      this.#menu.focus();
    });
    onKey("/", () => q.focus());
    const windows = Object.fromEntries(WINDOWS.map((window) => [window, window])) as Record<Window, Window>;
    this.#windows = new Choice("Figures of the last", windows, (window) => page.address.show(window));
    byId("windows", HTMLElement).append(this.#windows.element);
    suggest("currencies", CURRENCIES, currencyName);
    suggest("countries", COUNTRIES, countryName);
  }

  paint({ filters, window, statistics }: View): void {
    this.#windows.show(window);
    if (filters !== this.#filters) {
      this.#filters = filters;
      this.#paintFilters(filters);
    }
    if (statistics !== this.#statistics) {
      this.#statistics = statistics;
      setText(this.#remark, statistics.trouble || statistics.leavesOut);
    }
  }

  #paintFilters(filters: Filters): void {
    for (const [name, input] of this.#fields) {
      // What is being typed may mean the same, and look different.
      if (read(name, input.value) !== filters[name]) {
        fillIn(input, isAmount(name) ? decimal(filters[name]) : filters[name]);
      }
    }
    const set = FILTER_NAMES.filter((name) => filters[name] !== "");
    this.#chips.replaceChildren(...set.map((name) => this.#chip(name, filters[name])));
    this.#clear.hidden = set.length === 0;
  }

  #chip(name: FilterName, value: string): HTMLElement {
    const item = element("li", "");
    const chip = element("button", "chip");
    chip.type = "button";
    chip.dataset["testid"] = `chip-${name}`;
    setText(chip, words(name, value));
    chip.ariaLabel = `${words(name, value)}: take this filter away`;
    chip.addEventListener("click", () => {
      this.#page.address.filter({ [name]: "" });
      // The chip is gone, and focus must be somewhere; in a field, a phone would show its keyboard.
      this.#menu.focus();
    });
    item.append(chip);
    return item;
  }

  #chosen(name: FilterName, input: Field): void {
    const value = read(name, input.value);
    const fault = this.#fault(name, value);
    input.ariaInvalid = String(fault !== "");
    setText(this.#hint, fault);
    if (fault === "") {
      this.#page.address.filter({ [name]: value });
    }
  }

  #fault(name: FilterName, value: string | undefined): string {
    if (value === undefined) {
      return HINTS[name];
    }
    const isEmpty = isEmptyRange({ ...this.#page.address.filters, [name]: value });
    return isEmpty ? "From is more than up to." : "";
  }

  #typing(q: Field): void {
    this.#forgetTimer();
    this.#timer = this.#page.timing.setTimer(() => {
      this.#page.address.type({ q: readFilter("q", q.value) ?? "" });
    }, TYPED_AFTER_MS);
  }

  /** Enter was pressed, or the field left. */
  #typed(): void {
    this.#forgetTimer();
    this.#page.address.type({ q: readFilter("q", field("q").value) ?? "" });
    this.#page.address.typed();
  }

  #forgetTimer(): void {
    if (this.#timer !== undefined) {
      this.#page.timing.clearTimer(this.#timer);
    }
  }
}

function isAmount(name: FilterName): boolean {
  return name === "min" || name === "max";
}

/** What was typed into a field, as the address has it. */
function read(name: FilterName, typed: string): string | undefined {
  return readFilter(name, isAmount(name) ? readDecimal(typed) : typed);
}

function field(name: FilterName): Field {
  return name === "flag" ? byId("filter-flag", HTMLSelectElement) : byId(`filter-${name}`, HTMLInputElement);
}

function fillIn(input: Field, value: string): void {
  if (input instanceof HTMLSelectElement && ![...input.options].some((option) => option.value === value)) {
    input.append(new Option(value));
  }
  input.value = value;
  input.ariaInvalid = "false";
}

function words(name: FilterName, value: string): string {
  switch (name) {
    case "from":
      return `Sold: ${value}`;
    case "to":
      return `Bought: ${value}`;
    case "country":
      return `Country: ${countryName(value)}`;
    case "user":
      return `User: ${value}`;
    case "flag":
      return `Flag: ${value}`;
    case "min":
      return `Amount sold ≥ ${decimal(value)}`;
    case "max":
      return `Amount sold ≤ ${decimal(value)}`;
    default:
      return `“${value}”`;
  }
}

/** Suggests codes by what they stand for. */
function suggest(list: string, codes: ReadonlySet<string>, name: (code: string) => string): void {
  byId(list, HTMLDataListElement).append(...[...codes].map((code) => new Option(name(code), code)));
}
