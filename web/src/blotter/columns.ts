/**
 * The table's columns, in order: one entry here is one column there.
 *
 * `fill` puts an update's value into a cell that may still show another's: it must set all that it sets, always.
 */

import { element } from "../dom.ts";
import { countryNames, dateAndTime, decimalFormat, timeOfDay } from "../format.ts";
import type { Update } from "../update.ts";

export interface Column {
  /** The cell's class: style.css says how wide it is and where it goes. */
  readonly name: string;
  readonly label: string;
  readonly fill: (cell: HTMLElement, update: Update) => void;
}

const decimal = decimalFormat();
const countryName = countryNames();

/** Longer than this, a text may not fit its cell, and is given in full when pointed at. */
const FITS = 10;

const FLAG_WORDS: Readonly<Record<string, string>> = { "rate-mismatch": "Rate mismatch" };
const FLAG_REASONS: Readonly<Record<string, string>> = {
  "rate-mismatch": "Amount sold × rate differs from the amount bought by more than rounding explains",
};

export const COLUMNS: readonly Column[] = [
  textColumn("time", "Time (UTC)", (update) => timeOfDay(update.receivedAt)),
  textColumn("user", "User", (update) => update.userId),
  textColumn("pair", "Pair", (update) => `${update.currencyFrom}→${update.currencyTo}`),
  textColumn("sell", "Sell", (update) => decimal(update.amountSell)),
  textColumn("buy", "Buy", (update) => decimal(update.amountBuy)),
  textColumn("rate", "Rate", (update) => decimal(update.rate)),
  { name: "country", label: "Country", fill: fillCountry },
  textColumn("placed", "Placed (UTC)", (update) => dateAndTime(update.timePlaced)),
  { name: "flags", label: "Flags", fill: fillFlags },
];

function textColumn(name: string, label: string, text: (update: Update) => string): Column {
  return {
    name,
    label,
    fill: (cell, update) => {
      const shown = text(update);
      cell.textContent = shown;
      cell.title = shown.length > FITS ? shown : "";
    },
  };
}

function fillCountry(cell: HTMLElement, { originatingCountry }: Update): void {
  const name = countryName(originatingCountry);
  const words = element("span", "country-name");
  words.textContent = name === originatingCountry ? "" : name;
  cell.replaceChildren(originatingCountry, " ", words);
  cell.title = name;
}

function fillFlags(cell: HTMLElement, { flags }: Update): void {
  cell.replaceChildren(...flags.map(badge));
}

function badge(flag: string): HTMLElement {
  const made = element("span", "badge");
  made.textContent = FLAG_WORDS[flag] ?? flag;
  made.title = FLAG_REASONS[flag] ?? flag;
  return made;
}
