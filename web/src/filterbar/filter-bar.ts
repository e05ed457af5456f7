/** The filter bar: search field, filter menu, a chip for each active filter, count of matches, and time range. */

import {
  FILTER_NAMES,
  type FilterName,
  type Filters,
  isEmptyRange,
  isFiltered,
  NO_FILTERS,
  readFilter,
} from "../filters/filters.ts";
import type { Page, Panel, View } from "../page.ts";
import type { Basis } from "../server/stats.ts";
import type { StatsSnapshot } from "../server/stats-poller.ts";
import type { Timer } from "../server/timing.ts";
import { COUNTRIES } from "../trade/codes.ts";
import { CURRENCIES } from "../trade/currencies.ts";
import { byId, element, setText } from "../ui/dom.ts";
import { countryNames, decimalFormat, decimalReader, numberFormat } from "../ui/format.ts";
import { onKey } from "../ui/keys.ts";
import { labelledHint, labelledInputs, labelOf } from "./labelled.ts";
import { RangePicker } from "./range-picker.ts";

/** Keystrokes closer together than this cause no query. */
const INPUT_DELAY_MS = 200;
const ID = /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/u;

const wholeNumber = numberFormat();
const decimal = decimalFormat();
const readDecimal = decimalReader();

const HINTS: Readonly<Partial<Record<FilterName, string>>> = {
  from: "Enter a currency code such as EUR.",
  to: "Enter a currency code such as GBP.",
  country: "Enter a country code such as FR.",
  user: "A user id has at most 64 characters.",
  flag: "Enter a flag in lower-case letters, such as rate-mismatch.",
  min: `Enter an amount such as ${decimal("747.10")}.`,
  max: `Enter an amount such as ${decimal("747.10")}.`,
  q: "Enter at most 128 characters.",
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
  readonly #matches = byId("matches", HTMLElement);
  readonly #note = byId("filter-note", HTMLElement);
  readonly #hint = byId("field-hint", HTMLElement);
  readonly #range: RangePicker;
  #filters: Filters | undefined;
  #stats: StatsSnapshot | undefined;
  #timer: Timer | undefined;

  constructor(page: Page) {
    this.#page = page;
    this.#hint.before(...labelledInputs());
    this.#fields = new Map(FILTER_NAMES.map((name) => [name, field(name)]));
    for (const [name, input] of this.#fields) {
      input.addEventListener("change", () => (name === "q" ? this.#onCommit() : this.#onChange(name, input)));
    }
    const q = field("q");
    q.addEventListener("input", () => this.#onInput(q));
    byId("filters", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      // A problem in a field must stay visible.
      byId("fields", HTMLDetailsElement).open = this.#hint.textContent !== "";
    });
    this.#clear.addEventListener("click", () => {
      page.address.setFilters(NO_FILTERS);
      this.#menu.focus();
    });
    onKey("/", () => q.focus());
    this.#range = new RangePicker((range) => page.address.setRange(range));
    suggest("currencies", CURRENCIES, currencyName);
    suggest("countries", COUNTRIES, countryName);
  }

  paint({ filters, range, zone, stats }: View): void {
    this.#range.paint(range, zone);
    if (filters !== this.#filters) {
      this.#filters = filters;
      this.#paintFilters(filters);
    }
    if (stats !== this.#stats) {
      this.#stats = stats;
      setText(this.#note, stats.error || basisText(stats.trades?.basis));
      this.#note.classList.toggle("wrong", stats.error !== "");
      setText(this.#matches, matchesText(stats, filters));
    }
  }

  #paintFilters(filters: Filters): void {
    for (const [name, input] of this.#fields) {
      // The typed text may look different and mean the same, such as `1,000` and `1000`.
      if (readInput(name, input.value) !== filters[name]) {
        fillIn(input, isAmount(name) ? decimal(filters[name]) : filters[name]);
      }
    }
    const set = FILTER_NAMES.filter((name) => filters[name] !== "");
    this.#chips.replaceChildren(...set.map((name) => this.#chip(name, filters[name])));
    this.#chips.hidden = set.length === 0;
    this.#clear.hidden = set.length === 0;
  }

  #chip(name: FilterName, value: string): HTMLElement {
    const item = element("li", "");
    const chip = element("button", "chip");
    chip.type = "button";
    chip.dataset["testid"] = `chip-${name}`;
    const text = chipLabel(name, value, this.#page.address.filters);
    setText(chip, text);
    chip.ariaLabel = `Remove filter ${text}`;
    chip.addEventListener("click", () => {
      this.#page.address.setFilters({ [name]: "" });
      // The chip is gone, so the focus must move. In a field, a phone would open its keyboard.
      this.#menu.focus();
    });
    item.append(chip);
    return item;
  }

  #onChange(name: FilterName, input: Field): void {
    const value = readInput(name, input.value);
    const problem = this.#problem(name, value);
    input.ariaInvalid = String(problem !== "");
    setText(this.#hint, problem);
    if (problem === "") {
      this.#page.address.setFilters({ [name]: value });
    }
  }

  #problem(name: FilterName, value: string | undefined): string {
    if (value === undefined) {
      return HINTS[name] ?? labelledHint(name);
    }
    const isEmpty = isEmptyRange({ ...this.#page.address.filters, [name]: value });
    return isEmpty ? "The minimum exceeds the maximum." : "";
  }

  #onInput(q: Field): void {
    this.#cancelTimer();
    const id = wholeId(q.value);
    if (id !== undefined) {
      q.value = this.#page.address.filters.q;
      this.#page.address.open({ kind: "trade", id });
      return;
    }
    this.#timer = this.#page.timing.setTimer(() => {
      this.#page.address.typeFilters({ q: readFilter("q", q.value) ?? "" });
    }, INPUT_DELAY_MS);
  }

  /** Enter was pressed, or the field lost focus. */
  #onCommit(): void {
    this.#cancelTimer();
    this.#page.address.typeFilters({ q: readFilter("q", field("q").value) ?? "" });
    this.#page.address.endTyping();
  }

  #cancelTimer(): void {
    if (this.#timer !== undefined) {
      this.#page.timing.clearTimer(this.#timer);
    }
  }
}

/** A complete id, which may be anywhere in the text, such as in a copied line of JSON. */
function wholeId(typed: string): string | undefined {
  return ID.exec(typed.toLowerCase())?.[0];
}

/** How many trades the page is about. */
function matchesText({ trades, error }: StatsSnapshot, filters: Filters): string {
  if (!trades) {
    return error === "" ? "Counting…" : "";
  }
  const { count } = trades.total;
  const noun = count === 1 ? "trade" : "trades";
  const verb = count === 1 ? " matches" : " match";
  return `${wholeNumber.format(count)} ${noun}${isFiltered(filters) ? verb : ""}`;
}

/** Says that the figures are not of all trades. */
function basisText(basis: Basis | undefined): string {
  return basis
    ? `The figures are of the newest ${wholeNumber.format(basis.newest)} trades of this range.`
    : "";
}

function isAmount(name: FilterName): boolean {
  return name === "min" || name === "max";
}

/** Normalizes typed text for the address. */
function readInput(name: FilterName, typed: string): string | undefined {
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

function chipLabel(name: FilterName, value: string, { from }: Filters): string {
  const currency = from || "of any currency";
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
      return `Amount sold ≥ ${decimal(value)} ${currency}`;
    case "max":
      return `Amount sold ≤ ${decimal(value)} ${currency}`;
    case "q":
      return `“${value}”`;
    default:
      return `${labelOf(name)}: ${value}`;
  }
}

/** Fills a datalist with codes and their names. */
function suggest(list: string, codes: ReadonlySet<string>, name: (code: string) => string): void {
  byId(list, HTMLDataListElement).append(...[...codes].map((code) => new Option(name(code), code)));
}
