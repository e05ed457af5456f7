/**
 * Problems of the stack in words for users, once they last from one poll to the next.
 *
 * Operators find addresses and errors in the operations panel.
 */

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
  "ledger unavailable": "The ledger is unavailable.",
  "ledger loss": "The ledger reports missing trades.",
  "disk nearly-full": "The disk is nearly full.",
};

export class Alerts {
  #before: ReadonlySet<string> = new Set();

  /**
   * Returns the problems that were already there at the previous call, so that a restart of a component is
   * not shown. Call once per poll; `isLive` tells whether trades arrive live.
   */
  lasting(health: Health, isLive: boolean): readonly string[] {
    const now = findAlerts(health, isLive);
    const lasting = [...now].filter(([name]) => this.#before.has(name)).map(([, text]) => text);
    this.#before = new Set(now.keys());
    return lasting;
  }
}

/** Returns the problems of one poll by name. A mere consequence of another problem is left out. */
function findAlerts({ status, components }: Health, isLive: boolean): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  if (status === "unreachable") {
    found.set(status, isLive ? UNANSWERED : UNREACHABLE);
  }
  if (status === "not-ready") {
    found.set(status, REFUSED);
  }
  for (const component of components) {
    if (component.status !== "ok") {
      found.set(component.name, alertText(component));
    }
  }
  if (found.has(status) && found.has("ingest")) {
    found.set("ingest", "The API does not answer correctly.");
  }
  const away = components.find(({ name }) => name === "consumers")?.facts["away"];
  if (found.has("consumers") && isRecord(away)) {
    // Without the live server, its processors hold off on purpose.
    const others = Object.entries(away).filter(([tube]) => !(tube === "live" && found.has("wsserver")));
    found.set("consumers", others.map(([, effect]) => effect).join(" "));
  }
  return new Map([...found].filter(([, text]) => text !== ""));
}

function alertText({ name, status, detail }: Component): string {
  return TEXTS[`${name} ${status}`] ?? `${name}: ${detail || status}.`;
}
