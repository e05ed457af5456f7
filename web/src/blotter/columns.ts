/**
 * The table's columns in order.
 *
 * `fill` writes a trade's value into a cell that may still show another trade. It must set everything that
 * any value sets.
 */

import { ORDER_FIELDS, type OrderField } from "../filters/order.ts";
import type { TradeEvent } from "../trade/event.ts";
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
  /** The field that a click on the header sorts by, if the archive has such an order. */
  readonly sortsBy?: OrderField;
}

const decimal = decimalFormat();
const countryName = countryNames();

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
    sortsBy: "receivedAt",
  },
  {
    name: "user",
    label: () => "User",
    fill: (cell, { userId }) => fillText(cell, userId),
    sortsBy: "userId",
  },
  {
    name: "pair",
    label: () => "Pair",
    fill: (cell, { currencyFrom, currencyTo }) => fillText(cell, `${currencyFrom}→${currencyTo}`),
    sortsBy: "currencyFrom",
  },
  amountColumn("sell", "Sold", 2, "amountSell"),
  amountColumn("buy", "Bought", 2, "amountBuy"),
  amountColumn("rate", "Rate", 6, "rate"),
  {
    name: "country",
    label: () => "Country",
    fill: fillCountry,
    sortsBy: "originatingCountry",
  },
  {
    name: "placed",
    label: ({ zone }) => `Placed (${zoneName(zone)})`,
    fill: (cell, { timePlaced }, { zone }) => {
      const placed = parseMicros(timePlaced);
      cell.textContent = placed === undefined ? timePlaced : dateAndClock(placed / 1000, zone);
      cell.title = cell.textContent;
    },
    sortsBy: "timePlaced",
  },
  ...LABELLED.map(labelledColumn),
  {
    name: "flags",
    label: () => "Flags",
    fill: (cell, { flags }) => cell.replaceChildren(...flags.map(badge)),
  },
];

function labelledColumn(field: LabelledField): Column {
  const name = `field-${field.name}` as const;
  const shown = { name, label: () => field.label };
  const fill: Column["fill"] = (cell, trade, { zone }) => fillText(cell, fieldText(field, trade, zone));
  const sortsBy = ORDER_FIELDS.find((each) => each === field.name);
  return sortsBy ? { ...shown, fill, sortsBy } : { ...shown, fill };
}

/** `places` is the usual number of decimals. */
function amountColumn(
  name: ColumnName,
  label: string,
  places: number,
  field: "amountSell" | "amountBuy" | "rate",
): Column {
  const maxChars = Math.floor(DEFAULT_CH[name]);
  const shortened = shortFormat(maxChars);
  return {
    name,
    label: () => label,
    fill: (cell, { [field]: amount }) => {
      const exact = decimal(amount);
      fillText(cell, exact);
      cell.textContent = shortened(amount);
      // A shortened amount has no room left for padding.
      cell.dataset["pad"] = padding(amount, places).slice(0, Math.max(0, maxChars - exact.length));
    },
    sortsBy: field,
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
