/** The header's verdict: whether a trade is lost, and when that was last checked. */

import { lostOf } from "../server/ledger.ts";
import type { LedgerState } from "../server/ledger-poller.ts";
import { numberFormat } from "../ui/format.ts";

/** Older than this, a check says little about now. */
const OLD_AFTER_SECONDS = 60;
const MINUTE_SECONDS = 60;

export interface Verdict {
  readonly text: string;
  readonly isBad: boolean;
}

/** All times are in milliseconds since 1970, by the server's clock. */
export function verdictOf(
  { ledger, checkedMs, error }: LedgerState,
  nowMs: number,
  locale?: string,
): Verdict {
  if (!ledger) {
    return { text: error === "" ? "Checking…" : "Not checked: no answer", isBad: error !== "" };
  }
  const lost = lostOf(ledger);
  const isRestored = lost === 0 && ledger.spans.length > 0;
  const count = isRestored ? "Some may be lost" : `${numberFormat({}, locale).format(lost)} lost`;
  const isBad = lost > 0 || isRestored;
  if (checkedMs === undefined) {
    return { text: `${count} · not checked yet`, isBad };
  }
  const seconds = Math.max(0, Math.round((nowMs - checkedMs) / 1000));
  if (seconds > OLD_AFTER_SECONDS) {
    return { text: `${count} · not checked for ${Math.floor(seconds / MINUTE_SECONDS)} min`, isBad: true };
  }
  return { text: `${count} · checked ${seconds} s ago`, isBad };
}
