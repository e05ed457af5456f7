/** A page of the audit trail, as `GET /api/audit` answers it. */

import { isRecord, parseMicros } from "../trade/json.ts";

type Fields = Readonly<Record<string, unknown>>;

export interface AuditRecord {
  /** Its number in the chain, from 1. */
  readonly n: number;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly action: string;
  /** The principal's name; empty if it has none. */
  readonly actor: string;
  readonly role: string;
  readonly from: string;
  readonly requestId: string;
  readonly result: string;
  readonly details: Fields;
}

export interface Chain {
  readonly count: number;
  readonly head: string;
  readonly status: string;
  /** How many records were checked, from the first one on. */
  readonly checked: number;
  readonly detail: string;
}

export interface AuditPage {
  readonly records: readonly AuditRecord[];
  /** The cursor of the next page; undefined if there are no older records. */
  readonly next: string | undefined;
  readonly unreadable: number;
  /** The time of the oldest record that was looked at, in milliseconds since 1970. */
  readonly reachedMs: number | undefined;
  readonly chain: Chain;
}

/** Parses an answer. Returns undefined if it is malformed. */
export function parsePage(answer: unknown): AuditPage | undefined {
  if (!(isRecord(answer) && Array.isArray(answer["records"]))) {
    return;
  }
  const { next, unreadable, reached } = answer;
  const chain = parseChain(answer["chain"]);
  return (
    chain && {
      records: answer["records"].flatMap((raw) => parseRecord(raw)),
      next: typeof next === "string" ? next : undefined,
      unreadable: typeof unreadable === "number" ? unreadable : 0,
      reachedMs: parseMs(reached),
      chain,
    }
  );
}

function parseRecord(raw: unknown): readonly AuditRecord[] {
  const { n, at, details, ...rest } = isRecord(raw) ? raw : {};
  const atMs = parseMs(at);
  if (typeof n !== "number" || atMs === undefined) {
    return [];
  }
  const text = (name: string): string => (typeof rest[name] === "string" ? rest[name] : "");
  const texts = {
    action: text("action"),
    actor: text("actor"),
    role: text("role"),
    from: text("from"),
    requestId: text("requestId"),
    result: text("result"),
  };
  return [{ n, atMs, ...texts, details: isRecord(details) ? details : {} }];
}

function parseChain(raw: unknown): Chain | undefined {
  const { count, head, status, checked, detail } = isRecord(raw) ? raw : {};
  return typeof count === "number" && typeof head === "string" && typeof status === "string"
    ? {
        count,
        head,
        status,
        checked: typeof checked === "number" ? checked : 0,
        detail: typeof detail === "string" ? detail : "",
      }
    : undefined;
}

function parseMs(at: unknown): number | undefined {
  const micros = typeof at === "string" ? parseMicros(at) : undefined;
  return micros && Math.floor(micros / 1000);
}
