/**
 * Problems of the stack in words for users, once they last from one poll to the next.
 *
 * Operators find addresses and errors in the operations panel.
 */

import { startCommand } from "../server/control.ts";
import type { Component, Health } from "../server/health.ts";
import { isRecord } from "../trade/json.ts";

const UNREACHABLE = "The server is unreachable. The page may be out of date.";
const UNANSWERED =
  "The API does not answer. History and statistics are out of date, but trades still arrive.";
const REFUSED = "Trades are refused at the moment.";

const TEXTS: Readonly<Record<string, string>> = {
  "queue unavailable": "The queue is unavailable. Trades are refused.",
  "queue nearly-full": "The queue is nearly full. Once it is full, trades are refused.",
  "archive behind": "The archive is behind. History and statistics lack the newest trades.",
  "ingest unavailable": "The API does not answer correctly. Trades may be refused.",
  "wsserver unavailable": "The live server is unavailable. Trades are archived, and wait to be shown.",
  "store unavailable": "The archive’s database is unavailable. Trades are shown, and wait to be archived.",
  "retention behind": "Old trades are not deleted yet, although they are kept for too long.",
  "retention too-large": "The archive is larger than its limit.",
  "backup late": "No backup was made for longer than the schedule says.",
  "backup drill-failed": "The last trial showed that the backup can’t be restored.",
  "ledger unavailable": "The ledger is unavailable.",
  "ledger loss": "The ledger reports missing trades, or trades that may be.",
  "disk nearly-full": "The disk is nearly full.",
};

/** A problem in words. */
export interface Alert {
  readonly text: string;
  /** The command that mends it, if there is one. */
  readonly command?: string | undefined;
}

export class Alerts {
  #before: ReadonlySet<string> = new Set();

  /**
   * Returns the problems that were already there at the previous call, so that a restart of a component is
   * not shown. Call once per poll; `isLive` tells whether trades arrive live.
   */
  lasting(health: Health, isLive: boolean): readonly Alert[] {
    const now = findAlerts(health, isLive);
    const lasting = [...now].filter(([name]) => this.#before.has(name)).map(([, alert]) => alert);
    this.#before = new Set(now.keys());
    return lasting;
  }
}

/** Returns the problems of one poll by name. A mere consequence of another problem is left out. */
function findAlerts(health: Health, isLive: boolean): ReadonlyMap<string, Alert> {
  const { status, components } = health;
  const found = new Map<string, Alert>();
  if (status === "unreachable") {
    found.set(status, { text: isLive ? UNANSWERED : UNREACHABLE });
  }
  if (status === "not-ready") {
    found.set(status, { text: REFUSED });
  }
  for (const component of components) {
    if (component.status !== "ok" && component.name !== "consumers") {
      found.set(component.name, { text: alertText(component) });
    }
  }
  if (found.has("store")) {
    found.delete("retention");
  }
  if (found.has(status) && found.has("ingest")) {
    found.set("ingest", { text: "The API does not answer correctly." });
  }
  for (const [tube, effect] of awayConsumers(components)) {
    // Without the live server, its processors hold off on purpose.
    if (!(tube === "live" && found.has("wsserver"))) {
      found.set(`consumer ${tube}`, awayAlert(tube, effect, health));
    }
  }
  return found;
}

/** The tubes from which nothing is taken, and the effect on trades. */
function awayConsumers(components: readonly Component[]): readonly (readonly [string, string])[] {
  const away = components.find(({ name }) => name === "consumers")?.facts["away"];
  return isRecord(away) ? Object.entries(away).map(([tube, effect]) => [tube, String(effect)]) : [];
}

function awayAlert(tube: string, effect: string, { components, home }: Health): Alert {
  const states = components.find(({ name }) => name === "programs")?.facts["states"];
  const stopped = isRecord(states) ? Object.entries(states).filter(([, state]) => state !== "running") : [];
  const program = stopped.find(([name]) => name.match(PROCESSOR)?.groups?.["tube"] === tube)?.[0];
  return {
    text: effect || `No processor takes messages from the tube ${tube}. They wait in the queue.`,
    command: program && startCommand(program, home),
  };
}

/** A processor is named after its tube, and numbered if there are several. */
const PROCESSOR = /^processors:(?<tube>.+?)(?:-\d+)?$/u;

function alertText({ name, status, detail }: Component): string {
  return TEXTS[`${name} ${status}`] ?? `${name}: ${detail || status}.`;
}
