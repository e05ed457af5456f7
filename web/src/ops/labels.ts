/** Texts about components and programs. */

import type { Component } from "../server/health.ts";
import { numberFormat } from "../ui/format.ts";

const whole = numberFormat();

/** supervisord's states that need an explanation. */
const STATES: ReadonlyMap<string, string> = new Map([
  ["backoff", "failing, being retried"],
  ["fatal", "failed, no longer retried"],
]);

export function stateLabel(state: string): string {
  return STATES.get(state) ?? state;
}

/** The age of the oldest job; a dash without jobs. */
export function age(seconds: number): string {
  if (seconds < 1) {
    return "–";
  }
  if (seconds < 120) {
    return `${seconds} s`;
  }
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) {
    return `${minutes} min`;
  }
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
}

/** Describes a component: its problem, else a useful fact. */
export function componentLabel({ name, detail, facts }: Component): string {
  return detail || (FACTS[name]?.(facts) ?? "");
}

const FACTS: Readonly<Record<string, (facts: Component["facts"]) => string>> = {
  queue: ({ fill }) => (typeof fill === "number" ? `${percent(fill)} full` : ""),
  wsserver: ({ browsers, lagging }) =>
    lagging === 0 ? `${countOf(browsers, "browser")}` : `${countOf(browsers, "browser")}, ${lagging} lagging`,
  retention: retentionLabel,
  disk: ({ freeBytes }) => {
    const min = Math.min(...Object.values(freeBytes ?? {}).filter((bytes) => typeof bytes === "number"));
    return Number.isFinite(min) ? `${whole.format(Math.floor(min / 1e9))} GB free` : "";
  },
};

/** What is kept since when, how much disk it takes, and when that will be full. */
function retentionLabel({ keptSince, bytes, fullAt }: Component["facts"]): string {
  const since = typeof keptSince === "string" ? `kept since ${keptSince.slice(0, 10)}` : "everything is kept";
  const size = typeof bytes === "number" ? `, ${whole.format(Math.ceil(bytes / 1e6))} MB` : "";
  const full = typeof fullAt === "string" ? `, disk full on ${fullAt.slice(0, 10)} at today’s rate` : "";
  return since + size + full;
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}

function countOf(count: unknown, noun: string): string {
  return typeof count === "number" ? `${whole.format(count)} ${noun}${count === 1 ? "" : "s"}` : "";
}
