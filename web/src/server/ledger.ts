/** The answer of `GET /api/ledger`, validated. */

import { isRecord, parseMicros } from "../trade/json.ts";

export interface Ledger {
  readonly status: "balanced" | "settling" | "loss";
  readonly accepted: number;
  /** All that was accepted before this time is accounted for. Milliseconds since 1970; undefined if unknown. */
  readonly archivedUpToMs: number | undefined;
  readonly tubes: readonly TubeLedger[];
  /** The oldest losses that no operator has settled. */
  readonly losses: readonly Loss[];
  /** Newest first. */
  readonly settledLosses: readonly Loss[];
  /** The times whose trades may be lost, since the server was restored from a backup. Settled ones are left out. */
  readonly spans: readonly Span[];
}

/** A time whose trades may be lost. Milliseconds since 1970; undefined if unknown. */
export interface Span {
  readonly sinceMs: number | undefined;
  readonly untilMs: number | undefined;
}

/** Accepted messages that are nowhere. */
export interface Loss {
  readonly tube: string;
  readonly messages: number;
  /** Milliseconds since 1970. */
  readonly receivedMs: number | undefined;
  /** Milliseconds since 1970; undefined if no operator has settled it. */
  readonly settledMs: number | undefined;
  /** As far as they are known. */
  readonly ids: readonly string[];
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
  {
    name: "outdated",
    label: "Outdated",
    meaning: "refused by the archive: messages of that time are deleted",
  },
  { name: "waiting", label: "Waiting", meaning: "in the queue" },
  { name: "deadLetters", label: "Dead letters", meaning: "could not be processed; see above" },
  { name: "discarded", label: "Deleted", meaning: "dead letters that were deleted" },
  { name: "settled", label: "Settled", meaning: "lost, and settled by an operator" },
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
  return {
    status,
    accepted: answer["accepted"],
    archivedUpToMs: parseMs(answer["archivedUpTo"]),
    tubes,
    losses: parseLosses(answer["losses"]),
    settledLosses: parseLosses(answer["settledLosses"]),
    spans: parseSpans(answer["spans"]),
  };
}

function parseSpans(raw: unknown): readonly Span[] {
  const spans = Array.isArray(raw) ? raw.filter(isRecord) : [];
  return spans
    .filter(({ settledAt }) => settledAt === undefined)
    .map(({ since, until }) => ({ sinceMs: parseMs(since), untilMs: parseMs(until) }));
}

function parseLosses(raw: unknown): readonly Loss[] {
  return Array.isArray(raw) ? raw.flatMap(parseLoss) : [];
}

function parseLoss(raw: unknown): readonly Loss[] {
  if (!isRecord(raw)) {
    return [];
  }
  const { tube, messages, receivedAt, settledAt, ids } = raw;
  return [
    {
      tube: String(tube),
      messages: typeof messages === "number" ? messages : 0,
      receivedMs: parseMs(receivedAt),
      settledMs: parseMs(settledAt),
      ids: Array.isArray(ids) ? ids.filter((id) => typeof id === "string") : [],
    },
  ];
}

function parseMs(value: unknown): number | undefined {
  const micros = typeof value === "string" ? parseMicros(value) : undefined;
  return micros === undefined ? undefined : micros / 1000;
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

/** How many accepted messages are lost. While messages are on their way, a difference is no loss. */
export function lostOf({ status, tubes }: Ledger): number {
  return status === "loss" ? Math.max(0, ...tubes.map(({ counts }) => counts["missing"] ?? 0)) : 0;
}

function numbers(value: unknown): Readonly<Record<string, number | undefined>> {
  const entries = isRecord(value) ? Object.entries(value) : [];
  return Object.fromEntries(
    entries.flatMap(([name, count]) => (typeof count === "number" ? [[name, count]] : [])),
  );
}
