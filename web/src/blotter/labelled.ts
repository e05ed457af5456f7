/** Fields that the page shows by their label and kind, without a rendering of their own. */

import type { TradeEvent } from "../trade/event.ts";
import { FIELDS, type Field, type LabelledName } from "../trade/fields.ts";
import { parseMicros } from "../trade/json.ts";
import { countryNames, decimalFormat } from "../ui/format.ts";
import type { Zone } from "../ui/preferences.ts";
import { dateAndClock } from "../ui/time-format.ts";

export type LabelledField = Field & { readonly name: LabelledName; readonly label: string };

export const LABELLED = FIELDS.filter((field): field is LabelledField => field.label !== undefined);

const decimal = decimalFormat();
const countryName = countryNames();

/** A field's value for the reader. Empty if the trade lacks the field. */
export function fieldText({ name, kind }: Field, trade: TradeEvent, zone: Zone): string {
  const value = trade[name] ?? "";
  switch (kind) {
    case "amount":
      return decimal(value);
    case "country":
      return value === "" ? "" : countryName(value);
    case "time": {
      const micros = parseMicros(value);
      return micros === undefined ? value : dateAndClock(micros / 1000, zone);
    }
    default:
      return value;
  }
}
