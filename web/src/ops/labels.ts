/** How the stack's parts are put in words. */

import type { Part } from "../server/health.ts";

const whole = new Intl.NumberFormat();

/** What supervisord's states mean; any other is shown as it is. */
const STATES: ReadonlyMap<string, string> = new Map([
  ["RUNNING", "runs"],
  ["STARTING", "starts"],
  ["BACKOFF", "fails, and is tried again"],
  ["STOPPING", "stops"],
  ["STOPPED", "stopped"],
  ["EXITED", "ended"],
  ["FATAL", "was given up"],
]);

export function stateWords(state: string): string {
  return STATES.get(state) ?? state;
}

/** How long the oldest has waited; a dash where nothing waits. */
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

/** What there is to say of a part: what is wrong with it, else a figure worth knowing. */
export function partWords({ name, detail, facts }: Part): string {
  return detail || (FACTS[name]?.(facts) ?? "");
}

const FACTS: Readonly<Record<string, (facts: Part["facts"]) => string>> = {
  queue: ({ fill }) => (typeof fill === "number" ? `its log is ${percent(fill)} full` : ""),
  wsserver: ({ browsers, lagging }) =>
    lagging === 0 ? `${counted(browsers, "browser")}` : `${counted(browsers, "browser")}, ${lagging} behind`,
  disk: ({ free_bytes: free }) => {
    const least = Math.min(...Object.values(free ?? {}).filter((bytes) => typeof bytes === "number"));
    return Number.isFinite(least) ? `${whole.format(Math.floor(least / 1e9))} GB free` : "";
  },
};

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function counted(count: unknown, noun: string): string {
  return typeof count === "number" ? `${whole.format(count)} ${noun}${count === 1 ? "" : "s"}` : "";
}
