/** The section of the ledger: a sentence, a table of accepted messages and their outcomes, and the losses. */

import type { View } from "../page.ts";
import { DIFFERENCES, type Ledger, outcomesOf } from "../server/ledger.ts";
import type { LedgerState } from "../server/ledger-poller.ts";
import { hasRole } from "../server/session.ts";
import { element, setText } from "../ui/dom.ts";
import { numberFormat } from "../ui/format.ts";
import { PanelState, type Shown } from "../ui/panel-state.ts";
import type { Zone } from "../ui/preferences.ts";
import { summarize } from "./ledger-summary.ts";
import { LossList, spanText } from "./loss-list.ts";
import { section } from "./section.ts";
import { type Row, Table } from "./table.ts";

const whole = numberFormat();
const LOADING = "loading";
const READY: Shown = { kind: "ready", text: "" };
const FORBIDDEN = "The ledger needs the role monitor or operator.";

export class LedgerView {
  readonly element: HTMLElement;
  /** In place of everything else, for a reader who may not see it. */
  readonly #refusal = element("p", "remark");
  readonly #summary = element("p", "summary");
  readonly #body = element("div", "");
  readonly #spans = element("p", "spans");
  readonly #losses = new LossList("Losses", "ops-losses");
  readonly #settled = new LossList("Settled losses, newest first", "ops-settled");
  readonly #state: PanelState;
  #table: Table | undefined;
  #painted: LedgerState | "forbidden" | undefined;
  #zone: Zone | undefined;

  constructor() {
    this.#summary.dataset["testid"] = "ops-ledger-summary";
    this.#spans.dataset["testid"] = "ops-spans";
    this.#body.append(this.#spans, this.#losses.element, this.#settled.element);
    setText(this.#refusal, FORBIDDEN);
    this.element = section("ops-ledger-title", "Ledger", this.#refusal, this.#summary, this.#body);
    this.element.classList.add("ledger", "in-text");
    this.#state = new PanelState(this.element);
  }

  /** Whether there is an answer, be it an error. */
  get isLoaded(): boolean {
    return this.#painted !== undefined && shownState(this.#painted).kind !== LOADING;
  }

  paint({ ledger, session, zone }: Pick<View, "ledger" | "session" | "zone">): void {
    const isAllowed = hasRole(session, "monitor", "operator");
    const state = isAllowed ? ledger : "forbidden";
    if (state === this.#painted && zone === this.#zone) {
      return;
    }
    this.#painted = state;
    this.#zone = zone;
    this.#state.paint(shownState(state));
    this.#refusal.hidden = isAllowed;
    this.#summary.hidden = !isAllowed;
    this.#body.hidden = !isAllowed;
    if (state !== "forbidden" && state.ledger) {
      this.#paintLedger(state.ledger, zone);
    }
  }

  #paintLedger(ledger: Ledger, zone: Zone): void {
    setText(this.#summary, summarize(ledger));
    this.#summary.dataset["status"] = ledger.status;
    setText(this.#spans, ledger.spans.map((span) => spanText(span, zone)).join(" "));
    this.#spans.hidden = ledger.spans.length === 0;
    this.#losses.paint(ledger.losses, zone);
    this.#settled.paint(ledger.settledLosses, zone);
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
    this.#losses.element.after(table.element);
    return table;
  }
}

/** The last ledger stays while there is no answer. */
function shownState(state: LedgerState | "forbidden"): Shown {
  if (state === "forbidden") {
    return READY;
  }
  const { ledger, error } = state;
  if (error !== "") {
    return { kind: ledger ? "still" : "failed", text: error };
  }
  return ledger ? READY : { kind: LOADING, text: "Loading the ledger…" };
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
