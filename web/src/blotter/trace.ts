/** The history of a message: the answer of `GET /api/message/<id>`, validated. */

import { type Fetch, get, readAnswer } from "../server/fetch.ts";
import { isRecord, parseMicros } from "../trade/json.ts";
import { duration } from "../ui/format.ts";

export interface TraceEntry {
  readonly kind: string;
  /** The tube that it is about; undefined if it is about no tube of its own. */
  readonly tube: string | undefined;
  /** Microseconds since 1970. */
  readonly atMicros: number;
  readonly browsers: number | undefined;
  readonly reason: string | undefined;
}

export interface Trace {
  /** In order of time. */
  readonly entries: readonly TraceEntry[];
  /** The archived message; undefined if only its receipts are archived. */
  readonly message: unknown;
  /** Whether the history is complete. */
  readonly isDone: boolean;
}

/** Nothing is known of the message. It may be archived later: ask again after this time. Undefined: it won't be. */
export interface NotArchived {
  readonly afterMs: number | undefined;
  /** Whether retention has deleted the messages of its time. */
  readonly isDeleted: boolean;
}

const DEFAULT_RETRY_SECONDS = 1;
const FINAL_KINDS: ReadonlySet<string> = new Set([
  "shown",
  "delivered",
  "expired",
  "dead-lettered",
  "discarded",
  "lost",
  "deleted",
  "outdated",
]);
/** Codes of a 404 that does not change any more. */
const FINAL_CODES = ["not-found", "deleted"];
const SETTLED_KINDS: ReadonlySet<string> = new Set(["archived", "lost", "deleted", "outdated"]);

/** Rejects if the archive is unreachable, refuses, or answers with invalid data. */
export async function fetchTrace(fetch: Fetch, id: string): Promise<Trace | NotArchived> {
  const response = await get(fetch, `/api/message/${encodeURIComponent(id)}`);
  if (response.status === 404) {
    const seconds = Number(response.headers.get("retry-after") ?? DEFAULT_RETRY_SECONDS);
    const answer = await response.json();
    const isFinal = FINAL_CODES.some((code) => hasCode(answer, code));
    const afterMs = isFinal ? undefined : Math.max(DEFAULT_RETRY_SECONDS, seconds || 0) * 1000;
    return { afterMs, isDeleted: hasCode(answer, "deleted") };
  }
  return readAnswer(response, parseTrace);
}

function hasCode(answer: unknown, code: string): boolean {
  const errors = isRecord(answer) && Array.isArray(answer["errors"]) ? answer["errors"] : [];
  return errors.some((error) => isRecord(error) && error["code"] === code);
}

function parseTrace(answer: unknown): Trace | undefined {
  if (!(isRecord(answer) && Array.isArray(answer["trace"]))) {
    return;
  }
  const entries = answer["trace"].map(parseEntry).filter((entry) => entry !== undefined);
  const last = entries.findLast(({ kind }) => FINAL_KINDS.has(kind) || kind === "requeued");
  const isSettled = entries.some(({ kind }) => SETTLED_KINDS.has(kind));
  const isDone = isSettled && last !== undefined && last.kind !== "requeued";
  return { entries, message: answer["message"] ?? undefined, isDone };
}

function parseEntry(raw: unknown): TraceEntry | undefined {
  if (!isRecord(raw)) {
    return;
  }
  const { kind, tube, at, browsers, reason } = raw;
  const atMicros = typeof at === "string" ? parseMicros(at) : undefined;
  if (typeof kind !== "string" || atMicros === undefined) {
    return;
  }
  return {
    kind,
    tube: typeof tube === "string" ? tube : undefined,
    atMicros,
    browsers: typeof browsers === "number" ? browsers : undefined,
    reason: typeof reason === "string" ? reason : undefined,
  };
}

const LABELS: Readonly<Record<string, (entry: TraceEntry) => string>> = {
  accepted: () => "Accepted",
  archived: () => "Archived",
  shown: ({ browsers }) => `Shown to ${browsers === 1 ? "1 browser" : `${browsers ?? "some"} browsers`}`,
  delivered: ({ tube }) => `Delivered: ${tube}`,
  expired: ({ tube }) => `Expired in ${tube}: it was not delivered in time`,
  "dead-lettered": ({ tube }) => `Dead letter of ${tube}: it could not be processed`,
  requeued: ({ tube }) => `Requeued to ${tube}`,
  lost: ({ tube }) => `Named as lost in ${tube}: accepted, and nowhere to be found`,
  deleted: () => "Deleted from the archive by retention",
  outdated: () => "Refused by the archive: messages of this time are deleted",
  discarded: ({ tube }) => `Dead letter of ${tube} deleted`,
};

/** Describes an entry. */
export function entryLabel(entry: TraceEntry): string {
  const { kind, reason } = entry;
  const label = LABELS[kind]?.(entry) ?? kind;
  return reason === undefined ? label : `${label} (${reason})`;
}

/** Returns the time since acceptance, such as `+2.3 ms`. Empty for the acceptance itself. */
export function delayLabel({ entries }: Trace, { kind, atMicros }: TraceEntry): string {
  const accepted = entries.find((other) => other.kind === "accepted");
  if (!accepted || kind === "accepted") {
    return "";
  }
  const ms = (atMicros - accepted.atMicros) / 1000;
  return ms < 1000 ? `+${ms.toFixed(1)} ms` : `+${duration(ms)}`;
}
