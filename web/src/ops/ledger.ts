/** What `GET /api/ledger` answers, and how to say it in words. */

import type { Health } from "../server/health.ts";
import { isRecord } from "../trade/event.ts";

export interface Ledger {
  readonly status: "balanced" | "settling" | "loss";
  readonly accepted: number;
  readonly tubes: readonly TubeAccount[];
}

export interface TubeAccount {
  readonly tube: string;
  /** Messages by what became of them; what a tube has no such thing of is undefined. */
  readonly counts: Readonly<Record<string, number | undefined>>;
}

/** A line of the account. */
interface Line {
  readonly name: string;
  readonly label: string;
  readonly meaning: string;
}

/** What becomes of messages; the lines of a tube add up to what was accepted. */
export const ENDS: readonly Line[] = [
  { name: "archived", label: "Archived", meaning: "kept for good" },
  { name: "shown", label: "Shown", meaning: "to one browser at least" },
  { name: "expired", label: "Expired", meaning: "no browser was there for too long; kept in the archive" },
  { name: "waiting", label: "Waiting", meaning: "in the queue" },
  { name: "buried", label: "Buried", meaning: "could not be handled; see above" },
  { name: "discarded", label: "Deleted", meaning: "buried, and deleted by an operator" },
  { name: "repeated", label: "Repeated", meaning: "the same message, posted again under its key" },
];

export const DIFFERENCES: readonly Line[] = [
  {
    name: "unanswered",
    label: "Unanswered",
    meaning: "too many: arrived, though their posters were not told so",
  },
  { name: "unexplained", label: "Unexplained", meaning: "too many: nobody posted them, or a count was lost" },
  { name: "missing", label: "Missing", meaning: "too few: accepted, and nowhere to be found" },
];

/** The ledger in an answer, or undefined when it is none. */
export function parseLedger(answer: unknown): Ledger | undefined {
  if (!(isRecord(answer) && isRecord(answer["tubes"]) && typeof answer["accepted"] === "number")) {
    return;
  }
  const status = (["balanced", "settling", "loss"] as const).find((known) => known === answer["status"]);
  if (!status) {
    return;
  }
  const tubes = Object.entries(answer["tubes"]).map(([tube, counts]) => ({ tube, counts: numbers(counts) }));
  return { status, accepted: answer["accepted"], tubes };
}

/** The account in one sentence. */
export function verdict({ status, accepted, tubes }: Ledger, health: Health, locale?: string): string {
  const whole = new Intl.NumberFormat(locale);
  if (status === "balanced") {
    const others = sum(tubes, "unanswered") + sum(tubes, "unexplained");
    const surplus = others > 0 ? " There are more than were accepted: see the differences." : "";
    return `Balanced: each of the ${whole.format(accepted)} messages accepted is accounted for.${surplus}`;
  }
  if (status === "loss") {
    const missing = Math.max(...tubes.map(({ counts }) => counts["missing"] ?? 0));
    return `Loss: ${whole.format(missing)} of ${whole.format(accepted)} messages accepted are nowhere to be found.`;
  }
  return `Settling: messages are on their way, so that differences say nothing yet. ${lastAtRest(health)}`.trim();
}

/** What was found when nothing was on its way: the server remembers it. */
function lastAtRest({ parts }: Health): string {
  const missing = Object.values(numbers(parts.find(({ name }) => name === "ledger")?.facts["missing"]));
  if (missing.length === 0) {
    return "";
  }
  const isLoss = missing.some((count) => (count ?? 0) > 0);
  return isLoss ? "At last rest messages were missing." : "At last rest nothing was missing.";
}

function sum(tubes: readonly TubeAccount[], name: string): number {
  return tubes.reduce((total, { counts }) => total + (counts[name] ?? 0), 0);
}

function numbers(value: unknown): Readonly<Record<string, number | undefined>> {
  const entries = isRecord(value) ? Object.entries(value) : [];
  return Object.fromEntries(
    entries.flatMap(([name, count]) => (typeof count === "number" ? [[name, count]] : [])),
  );
}
