/**
 * What is wrong with the stack, in words: once it has lasted from one look to the next.
 *
 * These say what it means to a reader; what an operator needs (addresses, errors) is in the operations panel.
 */

import type { Health, Part } from "../server/health.ts";

const UNREACHABLE = "The server can’t be reached: what is shown may be out of date.";
const UNANSWERED = "The API does not answer: history and figures are out of date; trades still come.";
const REFUSED = "Trades are refused at the moment.";

const WORDS: Readonly<Record<string, string>> = {
  "queue unavailable": "The queue is in trouble: trades are refused.",
  "queue nearly full": "The queue is nearly full: trades are refused when it is.",
  "archive behind": "The archive is behind: history and figures lack the newest trades so far.",
  "api unavailable": "The API does not answer as it should: trades may be refused.",
  "wsserver unavailable": "The live server is away: trades are archived, and wait to be shown.",
  "store unavailable": "The archive’s database is away: trades are shown, and wait to be archived.",
  "ledger unavailable": "The ledger can’t be drawn up.",
  "ledger loss": "The ledger misses trades that were accepted.",
  "disk nearly full": "The disk is nearly full.",
};

/** By the tube that no processor takes from. */
const UNWATCHED: Readonly<Record<string, string>> = {
  live: "No processor hands trades to the live server: they wait in the queue to be shown.",
  archive: "No processor archives trades: they wait in the queue, and history and figures lack them so far.",
};

export class Faults {
  #before: ReadonlySet<string> = new Set();

  /**
   * Takes one look after the other, each with whether trades come live. A part that was restarted in between is not
   * worth the reader's attention.
   */
  lasting(health: Health, isLive: boolean): readonly string[] {
    const now = faults(health, isLive);
    const lasting = [...now].filter(([name]) => this.#before.has(name)).map(([, words]) => words);
    this.#before = new Set(now.keys());
    return lasting;
  }
}

/** What is wrong in one look, each by its name; what only follows from something else that is said is left out. */
function faults({ status, parts, tubes = [] }: Health, isLive: boolean): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  if (status === "unreachable") {
    found.set(status, isLive ? UNANSWERED : UNREACHABLE);
  }
  if (status === "not ready") {
    found.set(status, REFUSED);
  }
  for (const part of parts) {
    if (part.status !== "OK") {
      found.set(part.name, said(part));
    }
  }
  if (found.has(status) && found.has("api")) {
    found.set("api", "The API does not answer as it should.");
  }
  const unwatched = tubes.filter(({ processors }) => processors === 0).map(({ name }) => name);
  if (found.has("processors") && unwatched.length > 0) {
    // Without the live server, processors don't take what they could not hand over.
    const others = unwatched.filter((name) => !(name === "live" && found.has("wsserver")));
    found.set("processors", others.map((name) => UNWATCHED[name] ?? "").join(" "));
  }
  return new Map([...found].filter(([, words]) => words !== ""));
}

function said({ name, status, detail }: Part): string {
  return WORDS[`${name} ${status}`] ?? `${name}: ${detail || status}.`;
}
