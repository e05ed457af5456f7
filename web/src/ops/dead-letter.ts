/** A dead letter, as `GET /api/dead-letters` lists it. */

import { isTradeId } from "../trade/event.ts";
import { isRecord, parseMicros } from "../trade/json.ts";

export interface DeadLetter {
  /** Unique; an id is unique only within its tube. */
  readonly key: string;
  readonly tube: string;
  readonly id: string;
  /** Of the trade that the event is about; undefined if it can't be read. */
  readonly tradeId: string | undefined;
  readonly reason: string;
  /** How often it was requeued and came back. */
  readonly requeued: number;
  /** Why it was a dead letter before; empty if it was never requeued. */
  readonly earlierReason: string;
  /** Milliseconds since 1970; undefined if the job was put into the tube directly. */
  readonly deadLetteredMs: number | undefined;
  /** Indented JSON, or the original text if it is not JSON. */
  readonly body: string;
}

/** Parses the list, in the order of the answer. Returns undefined if it is malformed. */
export function parseDeadLetters(answer: unknown): readonly DeadLetter[] | undefined {
  if (!(isRecord(answer) && Array.isArray(answer["deadLetters"]))) {
    return;
  }
  return answer["deadLetters"].flatMap((raw) => (isRecord(raw) ? parseDeadLetter(raw) : []));
}

function parseDeadLetter(raw: Readonly<Record<string, unknown>>): readonly DeadLetter[] {
  const { tube, id, reason, deadLetteredAt, event, requeued, earlierReason } = raw;
  if (typeof tube !== "string" || typeof id !== "string" || typeof reason !== "string") {
    return [];
  }
  const micros = typeof deadLetteredAt === "string" ? parseMicros(deadLetteredAt) : undefined;
  const body = typeof event === "string" ? event : JSON.stringify(event, null, 2);
  return [
    {
      key: `${tube}/${id}`,
      tube,
      id,
      tradeId: tradeIdOf(event),
      reason,
      requeued: typeof requeued === "number" ? requeued : 0,
      earlierReason: typeof earlierReason === "string" ? earlierReason : "",
      deadLetteredMs: micros && Math.floor(micros / 1000),
      body,
    },
  ];
}

function tradeIdOf(event: unknown): string | undefined {
  const id = isRecord(event) ? event["id"] : undefined;
  return typeof id === "string" && isTradeId(id) ? id : undefined;
}
