/** The elements of a trade's dialog. */

import { tradePath } from "../filters/dialog.ts";
import type { TradeEvent } from "../trade/event.ts";
import { element } from "../ui/dom.ts";
import { countryNames, decimalFormat } from "../ui/format.ts";
import type { Zone } from "../ui/preferences.ts";
import { clockTime, dateAndClock, zoneName } from "../ui/time-format.ts";
import { flagReason } from "./flags.ts";
import { fieldText, LABELLED } from "./labelled.ts";
import { delayLabel, entryLabel, type Trace } from "./trace.ts";

const decimal = decimalFormat();
const countryName = countryNames();

/** Terms and descriptions of a trade's values. */
export function valueList(trade: TradeEvent, zone: Zone): readonly HTMLElement[] {
  return [
    ...pair("Id", link(trade.id)),
    ...values(trade, zone).flatMap(([name, value]) => pair(name, value)),
  ];
}

/** The steps in the history of a trade, oldest first. */
export function entryItems(trace: Trace, zone: Zone): readonly HTMLElement[] {
  return trace.entries.map((entry) => {
    const item = element("li", "");
    const ms = entry.atMicros / 1000;
    const at = `${dateAndClock(ms, zone).slice(0, 10)} ${clockTime(ms, zone, true)} ${zoneName(zone)}`;
    item.append(cell("event", entryLabel(entry)), cell("at", at), cell("delay", delayLabel(trace, entry)));
    return item;
  });
}

/** The message as JSON: from the archive if it is there. Empty without a message. */
export function rawText(message: unknown, listed: TradeEvent | undefined): string {
  if (message === undefined && !listed) {
    return "";
  }
  const { receivedMicros: _, ...trade } = listed ?? { receivedMicros: 0 };
  return JSON.stringify(message ?? trade, undefined, 2);
}

function values(trade: TradeEvent, zone: Zone): readonly (readonly [string, string])[] {
  const receivedMs = trade.receivedMicros / 1000;
  const placedMs = Date.parse(trade.timePlaced);
  const name = zoneName(zone);
  const labelled = LABELLED.map((field) => [field.label, fieldText(field, trade, zone)] as const);
  const flags = trade.flags.map((flag) => [`Flag ${flag}`, `${flagReason(flag)}.`] as const);
  return [
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

/** The id as a link to this trade, to be copied or opened elsewhere. */
function link(id: string): HTMLElement {
  const made = element("a", "");
  made.href = tradePath(id);
  made.textContent = id;
  return made;
}

function pair(name: string, value: string | HTMLElement): readonly HTMLElement[] {
  const term = element("dt", "");
  const description = element("dd", "");
  term.textContent = name;
  description.append(value);
  return [term, description];
}

function cell(name: string, text: string): HTMLElement {
  const made = element("span", name);
  made.textContent = text;
  return made;
}
