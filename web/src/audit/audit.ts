/**
 * The audit trail: a dialog for admins. It shows who did what, newest first, and follows new records.
 *
 * Without a session it is closed. Above the login, which covers the page, it opens for an admin without the role viewer.
 */

import { NO_AUDIT_FILTERS, sameAudit } from "../filters/audit.ts";
import { ALL, sameRange } from "../filters/range.ts";
import type { Page, Panel, View } from "../page.ts";
import { Poll } from "../server/poll.ts";
import { mayAudit, type Session } from "../server/session.ts";
import { byId, element, setText } from "../ui/dom.ts";
import { Modal } from "../ui/modal.ts";
import { type Action, PanelState, type Shown } from "../ui/panel-state.ts";
import { dateAndClock, sinceText, zoneName } from "../ui/time-format.ts";
import { AuditClient, type AuditState } from "./client.ts";
import { AuditFilterForm } from "./filter-form.ts";
import { RecordList } from "./record-list.ts";
import { chainWords } from "./words.ts";

const OPEN_ACCESS =
  "With open access there are no admins. On the server, root can read the audit trail: see docs/audit.md.";
const FORBIDDEN = "The audit trail needs the role admin.";
const READY: Shown = { kind: "ready", text: "" };
const LOADING: Shown = { kind: "loading", text: "Loading the audit trail…" };

export class AuditTrail implements Panel {
  readonly #page: Page;
  readonly #modal: Modal;
  readonly #client: AuditClient;
  readonly #poll: Poll;
  readonly #form: AuditFilterForm;
  readonly #list: RecordList;
  readonly #state: PanelState;
  readonly #open = byId("audit-open", HTMLButtonElement);
  readonly #refusal = byId("audit-refusal", HTMLElement);
  readonly #content = byId("audit-content", HTMLElement);
  readonly #chain = byId("audit-chain", HTMLElement);
  readonly #head = element("code", "");
  readonly #summary = byId("audit-summary", HTMLElement);
  readonly #older = byId("audit-older", HTMLButtonElement);
  readonly #reached = byId("audit-reached", HTMLElement);

  constructor(page: Page) {
    this.#page = page;
    const { address, timing } = page;
    this.#modal = new Modal(byId("audit-dialog", HTMLDialogElement), () => address.closeDialog());
    this.#open.addEventListener("click", () => address.open({ kind: "audit", filters: NO_AUDIT_FILTERS }));
    this.#client = new AuditClient(page.fetch, page.serverNow, page.repaint);
    this.#poll = new Poll(timing, async () => {
      if (page.state.visible) {
        await this.#client.refresh();
      }
    });
    this.#form = new AuditFilterForm(address);
    this.#list = new RecordList(byId("audit-records", HTMLOListElement));
    this.#state = new PanelState(byId("audit-list", HTMLElement));
    this.#older.addEventListener("click", () => this.#client.loadOlder());
    byId("audit-head", HTMLElement).append(this.#head);
  }

  paint(view: View): void {
    const { dialog, session, range } = view;
    const isAdmin = mayAudit(session);
    this.#open.hidden = !isAdmin;
    const filters = dialog?.kind === "audit" ? dialog.filters : undefined;
    const isOpen = filters !== undefined && (session.phase === "in" || session.phase === "open");
    this.#modal.paint(isOpen);
    if (isOpen && isAdmin) {
      this.#client.follow(filters, range);
    }
    this.#poll.setActive(isOpen && isAdmin);
    if (!isOpen) {
      return;
    }
    setText(this.#refusal, refusal(session));
    this.#refusal.hidden = isAdmin;
    this.#content.hidden = !isAdmin;
    if (isAdmin) {
      this.#form.paint(filters, view, this.#client.latest.records);
      this.#paintTrail(view);
    }
  }

  #paintTrail(view: View): void {
    const state = this.#client.latest;
    const { chain, records, hasOlder, isLoadingOlder, phase } = state;
    setText(this.#chain, chain ? chainWords(chain) : "");
    this.#chain.dataset["status"] = chain?.status ?? "";
    setText(this.#head, chain?.head ?? "");
    this.#state.paint(shown(state, view), this.#widen(state, view));
    this.#list.paint(records, view.zone);
    setText(this.#summary, phase === "ready" && records.length > 0 ? summary(state, view) : "");
    this.#older.hidden = !hasOlder;
    // Not `disabled`, which would take the focus away from the pressed button.
    this.#older.ariaDisabled = String(isLoadingOlder);
    setText(this.#older, isLoadingOlder ? "Loading…" : "Load older records");
    setText(this.#reached, phase === "ready" ? reachedText(state, view) : "");
  }

  /** What an empty list offers. */
  #widen({ phase, records, error }: AuditState, { dialog, range }: View): Action | undefined {
    if (phase !== "ready" || records.length > 0 || error !== "" || dialog?.kind !== "audit") {
      return;
    }
    if (!sameAudit(dialog.filters, NO_AUDIT_FILTERS)) {
      return { label: "Clear filters", run: () => this.#page.address.setAuditFilters(NO_AUDIT_FILTERS) };
    }
    return sameRange(range, ALL)
      ? undefined
      : { label: "Show all times", run: () => this.#page.address.setRange(ALL) };
  }
}

function refusal({ phase }: Session): string {
  return phase === "open" ? OPEN_ACCESS : FORBIDDEN;
}

/** The records stay while there is no answer. */
function shown({ phase, records, error, answeredMs }: AuditState, { nowMs, zone, rangeLabel }: View): Shown {
  if (error !== "") {
    return records.length > 0
      ? { kind: "still", text: `${error} Unchanged since ${sinceText(answeredMs, nowMs, zone)}` }
      : { kind: "failed", text: `${error} The page keeps trying.` };
  }
  if (phase === "loading") {
    return LOADING;
  }
  const where = rangeLabel === "" ? "" : ` ${rangeLabel}`;
  return records.length > 0 ? READY : { kind: "empty", text: `No such records${where}.` };
}

function summary({ records, hasOlder }: AuditState, { rangeLabel }: View): string {
  const count = `${records.length} ${records.length === 1 ? "record" : "records"}`;
  return `${count}${rangeLabel === "" ? "" : ` ${rangeLabel}`}, newest first.${hasOlder ? " There may be older ones." : ""}`;
}

function reachedText({ hasOlder, reachedMs }: AuditState, { zone }: View): string {
  return hasOlder && reachedMs !== undefined
    ? `Searched back to ${dateAndClock(reachedMs, zone)} ${zoneName(zone)}.`
    : "";
}
