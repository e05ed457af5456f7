/** The section of the ledger: a sentence, and a table of accepted messages and their outcomes. */

import type { Fetch } from "../server/fetch.ts";
import type { Health } from "../server/health.ts";
import { element, setText } from "../ui/dom.ts";
import { DIFFERENCES, type Ledger, outcomesOf, parseLedger, summarize } from "./ledger.ts";
import { request } from "./request.ts";
import { section } from "./section.ts";
import { type Row, Table } from "./table.ts";

const whole = new Intl.NumberFormat();

export class LedgerView {
  readonly element: HTMLElement;
  readonly #fetch: Fetch;
  readonly #changed: () => void;
  readonly #summary = element("p", "summary");
  readonly #error = element("p", "error");
  #table: Table | undefined;
  #ledger: Ledger | undefined;
  #errorText = "";
  #painted: readonly unknown[] = [];

  constructor(fetch: Fetch, changed: () => void) {
    this.#fetch = fetch;
    this.#changed = changed;
    this.#summary.dataset["testid"] = "ops-ledger-summary";
    setText(this.#summary, "Loading the ledger…");
    this.element = section("ops-ledger-title", "Ledger", this.#summary, this.#error);
  }

  async refresh(): Promise<void> {
    const answer = await request(this.#fetch, "/api/ledger");
    const ledger = answer.kind === "ok" ? parseLedger(answer.body) : undefined;
    this.#ledger = ledger ?? this.#ledger;
    const message = answer.kind === "ok" ? "The server’s answer is invalid." : answer.message;
    this.#errorText = ledger ? "" : `${message} Retrying.`;
    this.#changed();
  }

  paint(health: Health): void {
    const now = [health, this.#ledger, this.#errorText];
    if (now.every((value, index) => value === this.#painted[index])) {
      return;
    }
    this.#painted = now;
    setText(this.#error, this.#errorText);
    this.#error.hidden = this.#errorText === "";
    this.#summary.hidden = this.#ledger === undefined && this.#errorText !== "";
    if (this.#ledger) {
      this.#paintLedger(this.#ledger, health);
    }
  }

  #paintLedger(ledger: Ledger, health: Health): void {
    setText(this.#summary, summarize(ledger, health));
    this.#summary.dataset["status"] = ledger.status;
    this.#table ??= this.#newTable(ledger);
    this.#table.paint([
      row("Accepted", countsOf(ledger, "accepted"), "answered 201"),
      ...outcomesOf(ledger).map(({ name, label, meaning }) => row(label, countsOf(ledger, name), meaning)),
      ...DIFFERENCES.map(({ name, label, meaning }) =>
        difference(label, countsOf(ledger, name), meaning, ledger),
      ),
    ]);
  }

  #newTable({ tubes }: Ledger): Table {
    const table = new Table(
      "Outcomes of the accepted messages, by consumer",
      [
        { label: "Messages", kind: "text" },
        ...tubes.map(({ title }) => ({ label: title, kind: "number" }) as const),
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

function row(label: string, counts: Counts, meaning: string): Row {
  const texts = counts.map((count) => (count === undefined ? "–" : whole.format(count)));
  return { cells: [label, ...texts, meaning], mark: counts.every((count) => !count) ? "quiet" : undefined };
}

/** While the ledger settles, differences are only messages in flight. */
function difference(label: string, counts: Counts, meaning: string, { status }: Ledger): Row {
  const plain = row(label, counts, meaning);
  if (status === "settling") {
    return { ...plain, mark: "quiet" };
  }
  return status === "loss" && label === "Missing" ? { ...plain, mark: "bad" } : plain;
}
