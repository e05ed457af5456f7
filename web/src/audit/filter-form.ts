/** The filters of the audit trail, and the page's time range. Each change is in the address. */

import type { Address } from "../filters/address.ts";
import {
  AUDIT_NAMES,
  AUDIT_RESULTS,
  type AuditFilters,
  isAuditValue,
  NO_AUDIT_FILTERS,
  sameAudit,
} from "../filters/audit.ts";
import { ALL, sameRange, WINDOWS, type Window } from "../filters/range.ts";
import type { View } from "../page.ts";
import { byId, element, setText } from "../ui/dom.ts";
import { RadioGroup } from "../ui/radio-group.ts";
import type { AuditRecord } from "./record.ts";
import { ACTIONS, actionWords, RESULTS } from "./words.ts";

type Choice = Window | "all";

const WINDOW_LABELS = Object.fromEntries(WINDOWS.map((window) => [window, window]));
const RANGES = { ...WINDOW_LABELS, all: "All" } as Readonly<Record<Choice, string>>;

export class AuditFilterForm {
  readonly #fields: Readonly<Record<keyof AuditFilters, HTMLInputElement | HTMLSelectElement>> = {
    actor: byId("audit-actor", HTMLInputElement),
    action: byId("audit-action", HTMLSelectElement),
    result: byId("audit-result", HTMLSelectElement),
    q: byId("audit-q", HTMLInputElement),
  };
  readonly #actors = byId("audit-actors", HTMLDataListElement);
  readonly #clear = byId("audit-clear", HTMLButtonElement);
  readonly #span = byId("audit-span", HTMLElement);
  readonly #choices: RadioGroup<Choice>;
  #painted: AuditFilters | undefined;
  #records: readonly AuditRecord[] = [];

  constructor(address: Address) {
    const { action, result } = this.#fields;
    action.append(...Object.keys(ACTIONS).map((name) => option(name, actionWords(name))));
    result.append(...AUDIT_RESULTS.map((name) => option(name, RESULTS[name] ?? name)));
    for (const name of AUDIT_NAMES) {
      const field = this.#fields[name];
      field.addEventListener("change", () => {
        const value = field.value.trim();
        field.ariaInvalid = String(!isAuditValue(name, value));
        if (isAuditValue(name, value)) {
          address.setAuditFilters({ [name]: value });
        }
      });
    }
    byId("audit-filters", HTMLFormElement).addEventListener("submit", (event) => event.preventDefault());
    this.#clear.addEventListener("click", () => {
      address.setAuditFilters(NO_AUDIT_FILTERS);
      this.#fields.actor.focus();
    });
    this.#choices = new RadioGroup("Time range", RANGES, (choice) =>
      address.setRange(choice === "all" ? ALL : { window: choice }),
    );
    byId("audit-range", HTMLElement).prepend(this.#choices.element);
  }

  paint(filters: AuditFilters, { range, rangeLabel }: View, records: readonly AuditRecord[]): void {
    const choice = "window" in range ? range.window : undefined;
    const isAll = sameRange(range, ALL);
    this.#choices.select(isAll ? "all" : choice);
    setText(this.#span, choice || isAll ? "" : rangeLabel);
    this.#paintActors(records);
    if (this.#painted && sameAudit(filters, this.#painted)) {
      return;
    }
    this.#painted = filters;
    for (const name of AUDIT_NAMES) {
      this.#paintField(this.#fields[name], filters[name]);
    }
    this.#clear.hidden = sameAudit(filters, NO_AUDIT_FILTERS);
  }

  #paintField(field: HTMLInputElement | HTMLSelectElement, value: string): void {
    // A link may name an action of a newer server.
    if (
      field instanceof HTMLSelectElement &&
      !Array.from(field.options).some((each) => each.value === value)
    ) {
      field.append(option(value, actionWords(value)));
    }
    if (field.value !== value) {
      field.value = value;
    }
    field.ariaInvalid = "false";
  }

  /** Proposes the principals of the records. */
  #paintActors(records: readonly AuditRecord[]): void {
    if (records === this.#records) {
      return;
    }
    this.#records = records;
    const known = new Set(Array.from(this.#actors.options, ({ value }) => value));
    const fresh = new Set(records.map(({ actor }) => actor).filter((actor) => actor && !known.has(actor)));
    this.#actors.append(...[...fresh].map((actor) => option(actor, "")));
  }
}

function option(value: string, text: string): HTMLOptionElement {
  const made = element("option", "");
  made.value = value;
  made.textContent = text;
  return made;
}
