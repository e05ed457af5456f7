/** The section of the ledger: a sentence, and a table of accepted messages and their outcomes. */

import { tradePath } from "../filters/dialog.ts";
import { DIFFERENCES, type Ledger, type Loss, outcomesOf } from "../server/ledger.ts";
import type { LedgerState } from "../server/ledger-poller.ts";
import { element, setText } from "../ui/dom.ts";
import { numberFormat } from "../ui/format.ts";
import { dateAndClock } from "../ui/time-format.ts";
import { summarize } from "./ledger-summary.ts";
import { section } from "./section.ts";
import { type Row, Table } from "./table.ts";

const whole = numberFormat();

export class LedgerView {
  readonly element: HTMLElement;
  readonly #summary = element("p", "summary");
  readonly #losses = element("ul", "losses");
  readonly #error = element("p", "error");
  #table: Table | undefined;
  #painted: LedgerState | undefined;

  constructor() {
    this.#summary.dataset["testid"] = "ops-ledger-summary";
    this.#losses.dataset["testid"] = "ops-losses";
    this.element = section("ops-ledger-title", "Ledger", this.#summary, this.#losses, this.#error);
  }

  paint(state: LedgerState): void {
    if (state === this.#painted) {
      return;
    }
    this.#painted = state;
    const { ledger, error } = state;
    setText(this.#error, error);
    this.#error.hidden = error === "";
    setText(this.#summary, ledger ? summarize(ledger) : "Loading the ledger…");
    this.#summary.hidden = ledger === undefined && error !== "";
    if (ledger) {
      this.#paintLedger(ledger);
    }
  }

  #paintLedger(ledger: Ledger): void {
    this.#summary.dataset["status"] = ledger.status;
    this.#losses.hidden = ledger.losses.length === 0;
    this.#losses.replaceChildren(...ledger.losses.map(lossItem));
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

/** While messages are on their way, the counts differ by them, which means nothing. */
function difference(label: string, counts: Counts, meaning: string, { status }: Ledger): Row {
  if (status === "settling") {
    return row(
      label,
      counts.map(() => undefined),
      "not known while messages are on their way",
    );
  }
  const plain = row(label, counts, meaning);
  return status === "loss" && label === "Missing" ? { ...plain, mark: "bad" } : plain;
}

/** A loss with a link to each trade whose id is known. */
function lossItem({ tube, messages, receivedMs, ids }: Loss): HTMLElement {
  const item = element("li", "");
  const when = receivedMs === undefined ? "" : `, accepted at ${dateAndClock(receivedMs, "utc")} UTC`;
  item.append(`${whole.format(messages)} in ${tube}${when}${ids.length > 0 ? ": " : "."}`);
  for (const [index, id] of ids.entries()) {
    const link = element("a", "");
    link.href = tradePath(id);
    link.textContent = id;
    item.append(index > 0 ? ", " : "", link);
  }
  return item;
}
