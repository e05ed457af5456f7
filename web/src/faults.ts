/** What is wrong with the stack, in words: once it has lasted from one look to the next. */

import type { Health, Part } from "./health.ts";

const UNREACHABLE = "The server can’t be reached: what is shown may be out of date.";
const REFUSED = "Trades are refused at the moment.";

export class Faults {
  #before: ReadonlySet<string> = new Set();

  /** Takes one look after the other. A part that was restarted in between is not worth the reader's attention. */
  lasting(health: Health): readonly string[] {
    const now = faults(health);
    const lasting = [...now].filter(([name]) => this.#before.has(name)).map(([, words]) => words);
    this.#before = new Set(now.keys());
    return lasting;
  }
}

/** What is wrong in one look, each by its name. */
function faults({ status, parts }: Health): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  if (status === "unreachable") {
    found.set(status, UNREACHABLE);
  }
  if (status === "not ready") {
    found.set(status, REFUSED);
  }
  for (const part of parts) {
    if (part.status !== "OK") {
      found.set(part.name, sentence(part));
    }
  }
  return found;
}

function sentence({ name, status, detail }: Part): string {
  return `${name[0]?.toUpperCase()}${name.slice(1)}: ${detail === "" ? status : detail}.`;
}
