/**
 * The table's columns, in order: one entry here is one column there.
 *
 * `fill` puts an update's value into a cell that may still show another's: it must set all that it sets, always.
 */

import { parseUnits } from "../trade/decimal.ts";
import { newestFirst, parseMicros, type Update } from "../trade/event.ts";
import { element } from "../ui/dom.ts";
import { countryNames, decimalFormat, padding } from "../ui/format.ts";
import type { Zone } from "../ui/preferences.ts";
import { clockTime, dateAndClock, zoneName } from "../ui/time-format.ts";
import { roomFormat } from "./amounts.ts";
import { flagReason, flagWords } from "./flags.ts";
import { type ColumnName, USUAL_CH } from "./layout.ts";

/** How moments look. */
export interface Clock {
  readonly zone: Zone;
  /** Such as `2026-11-24`: only trades of other days show theirs. */
  readonly today: string;
}

export interface Column {
  /** The cell's class, too. */
  readonly name: ColumnName;
  readonly label: (clock: Clock) => string;
  readonly fill: (cell: HTMLElement, update: Update, clock: Clock) => void;
  /** Which of two is less. */
  readonly compare: (a: Update, b: Update) => number;
}

const decimal = decimalFormat();
const countryName = countryNames();
const { compare: compareWords } = new Intl.Collator();

/** Longer than this, a text may not fit its cell, and is given in full when pointed at. */
const FITS = 8;

export const COLUMNS: readonly Column[] = [
  {
    name: "time",
    label: ({ zone }) => `Time (${zoneName(zone)})`,
    fill: (cell, { receivedMicros }, clock) => {
      const receivedMs = receivedMicros / 1000;
      const full = dateAndClock(receivedMs, clock.zone);
      cell.textContent = full.startsWith(clock.today)
        ? clockTime(receivedMs, clock.zone, true)
        : full.slice("20".length);
      cell.title = full;
    },
    compare: (a, b) => newestFirst(b, a),
  },
  textColumn("user", "User", (update) => update.userId),
  textColumn("pair", "Pair", (update) => `${update.currencyFrom}→${update.currencyTo}`),
  amountColumn("sell", "Sell", 2, (update) => update.amountSell),
  amountColumn("buy", "Buy", 2, (update) => update.amountBuy),
  amountColumn("rate", "Rate", 6, (update) => update.rate),
  {
    name: "country",
    label: () => "Country",
    fill: fillCountry,
    compare: (a, b) => compareWords(countryName(a.originatingCountry), countryName(b.originatingCountry)),
  },
  {
    name: "placed",
    label: ({ zone }) => `Placed (${zoneName(zone)})`,
    fill: (cell, { timePlaced }, { zone }) => {
      const placed = parseMicros(timePlaced);
      cell.textContent = placed === undefined ? timePlaced : dateAndClock(placed / 1000, zone);
      cell.title = cell.textContent;
    },
    compare: (a, b) => compareWords(a.timePlaced, b.timePlaced),
  },
  {
    name: "flags",
    label: () => "Flags",
    fill: (cell, { flags }) => cell.replaceChildren(...flags.map(badge)),
    compare: (a, b) => compareWords(a.flags.join(), b.flags.join()),
  },
];

function textColumn(name: ColumnName, label: string, text: (update: Update) => string): Column {
  return {
    name,
    label: () => label,
    fill: (cell, update) => fillText(cell, text(update)),
    compare: (a, b) => compareWords(text(a), text(b)),
  };
}

/** `places`: how many there usually are behind the point. */
function amountColumn(
  name: ColumnName,
  label: string,
  places: number,
  amount: (update: Update) => string,
): Column {
  const room = Math.floor(USUAL_CH[name]);
  const shortened = roomFormat(room);
  return {
    name,
    label: () => label,
    fill: (cell, update) => {
      const exact = decimal(amount(update));
      fillText(cell, exact);
      cell.textContent = shortened(amount(update));
      // What is shortened needs its column for itself.
      cell.dataset["pad"] = padding(amount(update), places).slice(0, Math.max(0, room - exact.length));
    },
    compare: (a, b) => Number((parseUnits(amount(a)) ?? 0n) - (parseUnits(amount(b)) ?? 0n)),
  };
}

function fillText(cell: HTMLElement, text: string): void {
  cell.textContent = text;
  cell.title = text.length > FITS ? text : "";
}

function fillCountry(cell: HTMLElement, { originatingCountry }: Update): void {
  const name = countryName(originatingCountry);
  const words = element("span", "country-name");
  words.textContent = name === originatingCountry ? "" : name;
  cell.replaceChildren(originatingCountry, " ", words);
  cell.title = name;
}

function badge(flag: string): HTMLElement {
  const made = element("span", "badge");
  made.textContent = flagWords(flag);
  made.title = flagReason(flag);
  return made;
}
