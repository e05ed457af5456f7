/** The ledger in words. */

import { type Ledger, lostOf, type TubeLedger } from "../server/ledger.ts";
import { numberFormat } from "../ui/format.ts";

/** Summarizes the ledger in one sentence. */
export function summarize(ledger: Ledger, locale?: string): string {
  const { status, accepted, tubes } = ledger;
  const whole = numberFormat({}, locale);
  if (status === "balanced") {
    const surplus = sum(tubes, "unanswered") + sum(tubes, "unexplained");
    const note = surplus > 0 ? " More arrived than were accepted: see Unanswered and Unexplained." : "";
    return `Balanced: all ${whole.format(accepted)} accepted messages are accounted for.${note}`;
  }
  if (status === "loss" && lostOf(ledger) === 0 && ledger.spans.length > 0) {
    return "Some trades may be lost: the server was restored from a backup.";
  }
  if (status === "loss") {
    return `Loss: ${whole.format(lostOf(ledger))} of ${whole.format(accepted)} accepted messages are missing.`;
  }
  return "Some messages are still on their way, so the newest ones are not checked yet.";
}

function sum(tubes: readonly TubeLedger[], name: string): number {
  return tubes.reduce((total, { counts }) => total + (counts[name] ?? 0), 0);
}
