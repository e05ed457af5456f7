/** Times as the user types them, in the page's time zone. */

import { isDate } from "../trade/json.ts";
import type { Zone } from "../ui/preferences.ts";

const TYPED = /^(?<date>\d{4}-\d\d-\d\d)(?:[ T](?<clock>\d\d:\d\d(?::\d\d)?))?$/u;

/**
 * Parses `2026-11-24 10:27`, or a date, which stands for its midnight or, with `isEnd`, for the next one.
 * Returns undefined for anything else. All times are in milliseconds since 1970.
 */
export function parseTyped(text: string, zone: Zone, isEnd: boolean): number | undefined {
  const { date = "", clock = isEnd ? "24:00" : "00:00" } = TYPED.exec(text.trim())?.groups ?? {};
  const ms = Date.parse(`${date}T${clock}${zone === "utc" ? "Z" : ""}`);
  return Number.isNaN(ms) || !isDate(date) ? undefined : ms;
}
