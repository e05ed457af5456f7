/** What became of a message: the answer of `GET /api/message/<id>`, checked at the door. */

import type { Fetch } from "../server/fetch.ts";
import { isRecord, parseMicros } from "../trade/event.ts";
import { duration } from "../ui/format.ts";

export interface TraceEvent {
  readonly event: string;
  /** Microseconds since 1970. */
  readonly atMicros: number;
  readonly browsers: number | undefined;
  readonly reason: string | undefined;
}

export interface Trace {
  /** In order of time. */
  readonly events: readonly TraceEvent[];
  /** The message as the archive has it; undefined where it only knows what became of it. */
  readonly message: unknown;
  /** Whether nothing is left to happen. */
  readonly isDone: boolean;
}

/** It may not be archived yet: ask again after a while. */
export interface NotYet {
  readonly afterMs: number;
}

const ANSWER_WITHIN_MS = 20_000;
const USUAL_AFTER_SECONDS = 1;
const ENDS: ReadonlySet<string> = new Set(["shown", "expired", "buried", "discarded"]);

/** Rejects where the archive can't be reached, refuses, or says what makes no sense. */
export async function askTrace(fetch: Fetch, id: string): Promise<Trace | NotYet> {
  const response = await fetch(`/api/message/${encodeURIComponent(id)}`, {
    headers: { accept: "application/json" },
    cache: "no-store",
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  });
  if (response.status === 404) {
    const seconds = Number(response.headers.get("retry-after") ?? USUAL_AFTER_SECONDS);
    return { afterMs: Math.max(USUAL_AFTER_SECONDS, seconds || 0) * 1000 };
  }
  if (!response.ok) {
    throw new Error(`the archive answered ${response.status}`);
  }
  const trace = parseTrace(await response.json());
  if (!trace) {
    throw new Error("the archive's answer makes no sense");
  }
  return trace;
}

function parseTrace(answer: unknown): Trace | undefined {
  if (!(isRecord(answer) && Array.isArray(answer["trace"]))) {
    return;
  }
  const events = answer["trace"].map(parseEvent).filter((event) => event !== undefined);
  const isDone =
    events.some(({ event }) => event === "archived") && events.some(({ event }) => ENDS.has(event));
  return { events, message: answer["message"] ?? undefined, isDone };
}

function parseEvent(raw: unknown): TraceEvent | undefined {
  if (!isRecord(raw)) {
    return;
  }
  const { event, at, browsers, reason } = raw;
  const atMicros = typeof at === "string" ? parseMicros(at) : undefined;
  if (typeof event !== "string" || atMicros === undefined) {
    return;
  }
  return {
    event,
    atMicros,
    browsers: typeof browsers === "number" ? browsers : undefined,
    reason: typeof reason === "string" ? reason : undefined,
  };
}

const WORDS: Readonly<Record<string, string>> = {
  accepted: "Accepted",
  archived: "Archived",
  expired: "Expired before anyone saw it",
  buried: "Buried: it could not be handled",
  discarded: "Deleted by an operator",
};

/** What happened, in words. */
export function eventWords({ event, browsers, reason }: TraceEvent): string {
  const count = browsers === 1 ? "1 browser" : `${browsers ?? "some"} browsers`;
  const what = event === "shown" ? `Shown to ${count}` : (WORDS[event] ?? event);
  return reason === undefined ? what : `${what} (${reason})`;
}

/** How long after the message was accepted that was: `+2.3 ms`. Empty for the acceptance itself. */
export function delayWords({ events }: Trace, { event, atMicros }: TraceEvent): string {
  const accepted = events.find((other) => other.event === "accepted");
  if (!accepted || event === "accepted") {
    return "";
  }
  const ms = (atMicros - accepted.atMicros) / 1000;
  return ms < 1000 ? `+${ms.toFixed(1)} ms` : `+${duration(ms)}`;
}
