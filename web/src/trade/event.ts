/**
 * One trade as the feed brings it, checked once at the door.
 *
 * Amounts stay strings all the way to the screen: they are exact, and a JavaScript number is not.
 */

/** The fields that are text, and must be there. */
const TEXTS = [
  "id",
  "receivedAt",
  "userId",
  "currencyFrom",
  "currencyTo",
  "amountSell",
  "amountBuy",
  "rate",
  "timePlaced",
  "originatingCountry",
] as const;

type Texts = Readonly<Record<(typeof TEXTS)[number], string>>;

export interface Update extends Texts {
  /** `receivedAt` in microseconds since 1970: what the page sorts by. */
  readonly receivedMicros: number;
  readonly flags: readonly string[];
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u;
const UTC_MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d{1,9}))?Z$/u;

/** The update in `raw`, or undefined when it is not one. Fields that the page doesn't know are left out. */
export function parseUpdate(raw: unknown): Update | undefined {
  if (!(isRecord(raw) && hasTexts(raw) && UUID.test(raw.id))) {
    return;
  }
  const { flags = [] } = raw;
  const receivedMicros = parseMicros(raw.receivedAt);
  if (receivedMicros === undefined || !Array.isArray(flags) || !flags.every(isText)) {
    return;
  }
  // One by one: to copy the object with all that it has takes ten times as long.
  return {
    id: raw.id,
    receivedAt: raw.receivedAt,
    userId: raw.userId,
    currencyFrom: raw.currencyFrom,
    currencyTo: raw.currencyTo,
    amountSell: raw.amountSell,
    amountBuy: raw.amountBuy,
    rate: raw.rate,
    timePlaced: raw.timePlaced,
    originatingCountry: raw.originatingCountry,
    flags,
    receivedMicros,
  };
}

/** Microseconds since 1970 of a moment like `2026-11-24T10:00:00.123456Z`, or undefined. */
export function parseMicros(moment: string): number | undefined {
  const match = UTC_MOMENT.exec(moment);
  // Date keeps milliseconds only, so the seconds go through it and the fraction is added by hand.
  const seconds = Date.parse(`${moment.slice(0, 19)}Z`);
  if (!match || Number.isNaN(seconds)) {
    return;
  }
  const fraction = (match[1] ?? "").padEnd(6, "0").slice(0, 6);
  return seconds * 1000 + Number(fraction);
}

/** Sorts newest first; the id decides between two of the same microsecond. 0 for the same one. */
export function newestFirst(a: Update, b: Update): number {
  return b.receivedMicros - a.receivedMicros || Number(a.id < b.id) - Number(a.id > b.id);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function hasTexts(raw: Readonly<Record<string, unknown>>): raw is Texts & Readonly<Record<string, unknown>> {
  return TEXTS.every((name) => isText(raw[name]));
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
