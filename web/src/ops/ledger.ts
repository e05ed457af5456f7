/** The answer of `GET /api/ledger`, and its summary in words. */

import type { Health } from "../server/health.ts";
import { isRecord } from "../trade/json.ts";

export interface Ledger {
  readonly status: "balanced" | "settling" | "loss";
  readonly accepted: number;
  readonly tubes: readonly TubeLedger[];
}

export interface TubeLedger {
  /** The consumer's name for people. */
  readonly title: string;
  /** The outcomes that only this consumer's messages have. */
  readonly outcomes: readonly LedgerLine[];
  /** Messages by outcome; undefined for outcomes that the tube does not have. */
  readonly counts: Readonly<Record<string, number | undefined>>;
}

/** A line of the ledger. */
export interface LedgerLine {
  readonly name: string;
  readonly label: string;
  readonly meaning: string;
}

/** The outcomes that messages of every consumer may have. */
const COMMON_OUTCOMES: readonly LedgerLine[] = [
  { name: "expired", label: "Expired", meaning: "not delivered in time; kept in the archive" },
  { name: "waiting", label: "Waiting", meaning: "in the queue" },
  { name: "deadLetters", label: "Dead letters", meaning: "could not be processed; see above" },
  { name: "discarded", label: "Deleted", meaning: "dead letters that were deleted" },
  { name: "duplicates", label: "Duplicates", meaning: "posted again with the same Idempotency-Key" },
];

export const DIFFERENCES: readonly LedgerLine[] = [
  { name: "unanswered", label: "Unanswered", meaning: "surplus: arrived, but the producer got no 201" },
  { name: "unexplained", label: "Unexplained", meaning: "surplus: never accepted, or a count was lost" },
  { name: "missing", label: "Missing", meaning: "deficit: accepted, but not found" },
];

/** The outcomes of messages. They add up to the number accepted. */
export function outcomesOf({ tubes }: Ledger): readonly LedgerLine[] {
  const own = new Map(tubes.flatMap(({ outcomes }) => outcomes.map((line) => [line.name, line])));
  return [...own.values(), ...COMMON_OUTCOMES];
}

/** Parses a ledger. Returns undefined if it is malformed. */
export function parseLedger(answer: unknown): Ledger | undefined {
  if (!(isRecord(answer) && isRecord(answer["tubes"]) && typeof answer["accepted"] === "number")) {
    return;
  }
  const status = (["balanced", "settling", "loss"] as const).find((known) => known === answer["status"]);
  if (!status) {
    return;
  }
  const labels = isRecord(answer["consumers"]) ? answer["consumers"] : {};
  const tubes = Object.entries(answer["tubes"]).map(([tube, counts]) => ({
    ...parseLabels(tube, labels[tube]),
    counts: numbers(counts),
  }));
  return { status, accepted: answer["accepted"], tubes };
}

function parseLabels(tube: string, labels: unknown): Pick<TubeLedger, "title" | "outcomes"> {
  if (!isRecord(labels)) {
    return { title: tube, outcomes: [] };
  }
  const { title, outcomes } = labels;
  return {
    title: typeof title === "string" ? title : tube,
    outcomes: Array.isArray(outcomes) ? outcomes.filter(isLedgerLine) : [],
  };
}

function isLedgerLine(line: unknown): line is LedgerLine {
  return (
    isRecord(line) && [line["name"], line["label"], line["meaning"]].every((text) => typeof text === "string")
  );
}

/** Summarizes the ledger in one sentence. */
export function summarize({ status, accepted, tubes }: Ledger, health: Health, locale?: string): string {
  const whole = new Intl.NumberFormat(locale);
  if (status === "balanced") {
    const surplus = sum(tubes, "unanswered") + sum(tubes, "unexplained");
    const note = surplus > 0 ? " More arrived than were accepted: see Unanswered and Unexplained." : "";
    return `Balanced: all ${whole.format(accepted)} accepted messages are accounted for.${note}`;
  }
  if (status === "loss") {
    const missing = Math.max(...tubes.map(({ counts }) => counts["missing"] ?? 0));
    return `Loss: ${whole.format(missing)} of ${whole.format(accepted)} accepted messages are missing.`;
  }
  return `Settling: messages are in flight, so differences mean nothing yet. ${lastSettled(health)}`.trim();
}

/** The result when no message was in flight, which the server remembers. */
function lastSettled({ components }: Health): string {
  const missing = Object.values(numbers(components.find(({ name }) => name === "ledger")?.facts["missing"]));
  if (missing.length === 0) {
    return "";
  }
  const isLoss = missing.some((count) => (count ?? 0) > 0);
  return isLoss ? "When last settled, messages were missing." : "When last settled, nothing was missing.";
}

function sum(tubes: readonly TubeLedger[], name: string): number {
  return tubes.reduce((total, { counts }) => total + (counts[name] ?? 0), 0);
}

function numbers(value: unknown): Readonly<Record<string, number | undefined>> {
  const entries = isRecord(value) ? Object.entries(value) : [];
  return Object.fromEntries(
    entries.flatMap(([name, count]) => (typeof count === "number" ? [[name, count]] : [])),
  );
}
