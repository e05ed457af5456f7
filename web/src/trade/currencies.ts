/** The currencies that a trade may have: those of ISO 4217, and those that the stack's settings admit. */

import { CURRENCIES as LISTED } from "./codes.ts";

declare global {
  /** Codes with spaces between them. nginx serves them in settings.js, which the page loads before its modules. */
  var extraCurrencies: string | undefined;
}

const CODE = /[A-Z]+/gu;

export const CURRENCIES = withExtra(LISTED, globalThis.extraCurrencies);

/** Returns all codes in order. */
export function withExtra(listed: ReadonlySet<string>, extra = ""): ReadonlySet<string> {
  return new Set([...listed, ...(extra.match(CODE) ?? [])].sort());
}
