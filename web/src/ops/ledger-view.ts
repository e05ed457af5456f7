/** The ledger: what was accepted, held against what became of it, with a sentence over it. */

import type { Fetch } from "../server/fetch.ts";
import type { Health } from "../server/health.ts";
import { element, setText } from "../ui/dom.ts";
import { DIFFERENCES, ENDS, type Ledger, parseLedger, verdict } from "./ledger.ts";
import { ask } from "./request.ts";
import { section } from "./section.ts";
import { type Row, Table } from "./table.ts";

const whole = new Intl.NumberFormat();

export class LedgerView {
  readonly element: HTMLElement;
  readonly #fetch: Fetch;
  readonly #changed: () => void;
  readonly #verdict = element("p", "verdict");
  readonly #trouble = element("p", "trouble");
  #table: Table | undefined;
  #ledger: Ledger | undefined;
  #words = "";
  #painted: readonly unknown[] = [];

  constructor(fetch: Fetch, changed: () => void) {
    this.#fetch = fetch;
    this.#changed = changed;
    this.#verdict.dataset["testid"] = "ops-verdict";
    setText(this.#verdict, "Drawing up the account…");
    this.element = section("ops-ledger-title", "Ledger", this.#verdict, this.#trouble);
  }

  async refresh(): Promise<void> {
    const answer = await ask(this.#fetch, "/api/ledger");
    const ledger = answer.kind === "ok" ? parseLedger(answer.body) : undefined;
    this.#ledger = ledger ?? this.#ledger;
    const words = answer.kind === "ok" ? "The server’s answer can’t be read." : answer.words;
    this.#words = ledger ? "" : `${words} Trying again.`;
    this.#changed();
  }

  paint(health: Health): void {
    const now = [health, this.#ledger, this.#words];
    if (now.every((one, place) => one === this.#painted[place])) {
      return;
    }
    this.#painted = now;
    setText(this.#trouble, this.#words);
    this.#trouble.hidden = this.#words === "";
    this.#verdict.hidden = this.#ledger === undefined && this.#words !== "";
    if (this.#ledger) {
      this.#paintAccount(this.#ledger, health);
    }
  }

  #paintAccount(ledger: Ledger, health: Health): void {
    setText(this.#verdict, verdict(ledger, health));
    this.#verdict.dataset["status"] = ledger.status;
    this.#table ??= this.#newTable(ledger);
    this.#table.paint([
      line(
        "Accepted",
        ledger.tubes.map(() => ledger.accepted),
        "answered 201",
      ),
      ...ENDS.map(({ name, label, meaning }) => line(label, countsOf(ledger, name), meaning)),
      ...DIFFERENCES.map(({ name, label, meaning }) =>
        difference(label, countsOf(ledger, name), meaning, ledger),
      ),
    ]);
  }

  #newTable({ tubes }: Ledger): Table {
    const table = new Table(
      "What became of the messages that were accepted, by tube",
      [
        { label: "Messages", kind: "text" },
        ...tubes.map(({ tube }) => ({ label: tube, kind: "figure" }) as const),
        { label: "Meaning", kind: "text" },
      ],
      "ops-ledger",
    );
    this.element.append(table.element);
    return table;
  }
}

type Counts = readonly (number | undefined)[];

function countsOf({ tubes }: Ledger, name: string): Counts {
  return tubes.map(({ counts }) => counts[name]);
}

function line(label: string, counts: Counts, meaning: string): Row {
  const figures = counts.map((count) => (count === undefined ? "–" : whole.format(count)));
  return { cells: [label, ...figures, meaning], mark: counts.every((count) => !count) ? "quiet" : undefined };
}

/** While it settles, a difference is no more than what is on its way. */
function difference(label: string, counts: Counts, meaning: string, { status }: Ledger): Row {
  const row = line(label, counts, meaning);
  if (status === "settling") {
    return { ...row, mark: "quiet" };
  }
  return status === "loss" && label === "Missing" ? { ...row, mark: "bad" } : row;
}
