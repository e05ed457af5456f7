/**
 * The table's columns in order.
 *
 * `fill` writes a trade's value into a cell that may still show another trade. It must set everything that
 * any value sets.
 */

import { parseUnits } from "../trade/decimal.ts";
import { newestFirst, type TradeEvent } from "../trade/event.ts";
import { parseMicros } from "../trade/json.ts";
import { element } from "../ui/dom.ts";
import { countryNames, decimalFormat, padding } from "../ui/format.ts";
import type { Zone } from "../ui/preferences.ts";
import { clockTime, dateAndClock, zoneName } from "../ui/time-format.ts";
import { shortFormat } from "./amounts.ts";
import { flagLabel, flagReason } from "./flags.ts";
import { fieldText, LABELLED, type LabelledField } from "./labelled.ts";
import { type ColumnName, DEFAULT_CH } from "./layout.ts";

/** How to format times. */
export interface Clock {
  readonly zone: Zone;
  /** Such as `2026-11-24`. Trades of this day are shown without the date. */
  readonly today: string;
}

export interface Column {
  /** Also the cell's class. */
  readonly name: ColumnName;
  readonly label: (clock: Clock) => string;
  readonly fill: (cell: HTMLElement, trade: TradeEvent, clock: Clock) => void;
  /** Compares in ascending order. */
  readonly compare: (a: TradeEvent, b: TradeEvent) => number;
}

const decimal = decimalFormat();
const countryName = countryNames();
const { compare: compareText } = new Intl.Collator();

/** A longer text may be cut off, so the cell's title has it in full. */
const MAX_UNTITLED_CHARS = 8;

export const COLUMNS: readonly Column[] = [
  {
    name: "time",
    label: ({ zone }) => `Time (${zoneName(zone)})`,
    fill: (cell, { receivedMicros }, clock) => {
      const receivedMs = receivedMicros / 1000;
      const full = dateAndClock(receivedMs, clock.zone);
      cell.textContent = full.startsWith(clock.today) ? clockTime(receivedMs, clock.zone, true) : full;
      cell.title = full;
    },
    compare: (a, b) => newestFirst(b, a),
  },
  textColumn("user", "User", (trade) => trade.userId),
  textColumn("pair", "Pair", (trade) => `${trade.currencyFrom}→${trade.currencyTo}`),
  amountColumn("sell", "Sell", 2, (trade) => trade.amountSell),
  amountColumn("buy", "Buy", 2, (trade) => trade.amountBuy),
  amountColumn("rate", "Rate", 6, (trade) => trade.rate),
  {
    name: "country",
    label: () => "Country",
    fill: fillCountry,
    compare: (a, b) => compareText(countryName(a.originatingCountry), countryName(b.originatingCountry)),
  },
  {
    name: "placed",
    label: ({ zone }) => `Placed (${zoneName(zone)})`,
    fill: (cell, { timePlaced }, { zone }) => {
      const placed = parseMicros(timePlaced);
      cell.textContent = placed === undefined ? timePlaced : dateAndClock(placed / 1000, zone);
      cell.title = cell.textContent;
    },
    compare: (a, b) => compareText(a.timePlaced, b.timePlaced),
  },
  ...LABELLED.map(labelledColumn),
  {
    name: "flags",
    label: () => "Flags",
    fill: (cell, { flags }) => cell.replaceChildren(...flags.map(badge)),
    compare: (a, b) => compareText(a.flags.join(), b.flags.join()),
  },
];

function textColumn(name: ColumnName, label: string, text: (trade: TradeEvent) => string): Column {
  return {
    name,
    label: () => label,
    fill: (cell, trade) => fillText(cell, text(trade)),
    compare: (a, b) => compareText(text(a), text(b)),
  };
}

function labelledColumn(field: LabelledField): Column {
  const units = (trade: TradeEvent): bigint => parseUnits(trade[field.name] ?? "") ?? 0n;
  return {
    name: `field-${field.name}`,
    label: () => field.label,
    fill: (cell, trade, { zone }) => fillText(cell, fieldText(field, trade, zone)),
    compare: (a, b) =>
      field.kind === "amount"
        ? Number(units(a) - units(b))
        : compareText(a[field.name] ?? "", b[field.name] ?? ""),
  };
}

/** `places` is the usual number of decimals. */
function amountColumn(
  name: ColumnName,
  label: string,
  places: number,
  amount: (trade: TradeEvent) => string,
): Column {
  const maxChars = Math.floor(DEFAULT_CH[name]);
  const shortened = shortFormat(maxChars);
  return {
    name,
    label: () => label,
    fill: (cell, trade) => {
      const exact = decimal(amount(trade));
      fillText(cell, exact);
      cell.textContent = shortened(amount(trade));
      // A shortened amount has no room left for padding.
      cell.dataset["pad"] = padding(amount(trade), places).slice(0, Math.max(0, maxChars - exact.length));
    },
    compare: (a, b) => Number((parseUnits(amount(a)) ?? 0n) - (parseUnits(amount(b)) ?? 0n)),
  };
}

function fillText(cell: HTMLElement, text: string): void {
  cell.textContent = text;
  cell.title = text.length > MAX_UNTITLED_CHARS ? text : "";
}

function fillCountry(cell: HTMLElement, { originatingCountry }: TradeEvent): void {
  const name = countryName(originatingCountry);
  const label = element("span", "country-name");
  label.textContent = name === originatingCountry ? "" : name;
  cell.replaceChildren(originatingCountry, " ", label);
  cell.title = name;
}

function badge(flag: string): HTMLElement {
  const made = element("span", "badge");
  made.textContent = flagLabel(flag);
  made.title = flagReason(flag);
  return made;
}
