/** The records of the audit trail. Each is drawn once, so that focus and selection survive when others come. */

import { element, setText } from "../ui/dom.ts";
import { numberFormat } from "../ui/format.ts";
import type { Zone } from "../ui/preferences.ts";
import { dateAndClock, zoneName } from "../ui/time-format.ts";
import type { AuditRecord } from "./record.ts";
import { actionWords, type Detail, describe, RESULTS } from "./words.ts";

/** More values of one detail than these are folded away. */
const VALUES_MAX = 3;
const whole = numberFormat();

interface Item {
  readonly element: HTMLElement;
  readonly time: HTMLTimeElement;
  readonly atMs: number;
}

export class RecordList {
  readonly #list: HTMLElement;
  readonly #items = new Map<number, Item>();
  #records: readonly AuditRecord[] = [];
  #zone: Zone | undefined;

  constructor(list: HTMLElement) {
    this.#list = list;
  }

  paint(records: readonly AuditRecord[], zone: Zone): void {
    if (records !== this.#records) {
      this.#records = records;
      this.#paintItems(records, zone);
    }
    if (zone !== this.#zone) {
      this.#zone = zone;
      for (const { time, atMs } of this.#items.values()) {
        setText(time, timeText(atMs, zone));
      }
    }
  }

  #paintItems(records: readonly AuditRecord[], zone: Zone): void {
    const kept = new Set(records.map(({ n }) => n));
    for (const [n, item] of this.#items) {
      if (!kept.has(n)) {
        item.element.remove();
        this.#items.delete(n);
      }
    }
    for (const [index, record] of records.entries()) {
      const item = this.#items.get(record.n) ?? newItem(record, zone);
      this.#items.set(record.n, item);
      if (this.#list.children[index] !== item.element) {
        this.#list.insertBefore(item.element, this.#list.children[index] ?? null);
      }
    }
  }
}

function newItem(record: AuditRecord, zone: Zone): Item {
  const made = element("li", "record");
  made.dataset["testid"] = "audit-record";
  made.dataset["n"] = String(record.n);
  const time = element("time", "");
  time.dateTime = new Date(record.atMs).toISOString();
  time.textContent = timeText(record.atMs, zone);
  const when = block("when", time, span("note", `№ ${whole.format(record.n)}`));
  const result = span("result", RESULTS[record.result] ?? record.result);
  result.dataset["result"] = record.result;
  made.append(when, result, who(record), what(record));
  return { element: made, time, atMs: record.atMs };
}

function who({ actor, role, from }: AuditRecord): HTMLElement {
  const name = actor === "" ? span("note", "no principal") : span("actor", actor);
  const origin = from === "local" ? "on this machine" : `from ${from}`;
  const roles = role === "" || role === "local" ? [] : [span("note", role.replaceAll(",", ", "))];
  return block("who", name, ...roles, ...(from === "" ? [] : [span("note", origin)]));
}

function what({ action, details, requestId }: AuditRecord): HTMLElement {
  const title = element("h3", "");
  title.textContent = actionWords(action);
  const list = element("dl", "");
  const request = requestId === "" ? [] : [{ label: "Request id", values: [requestId] }];
  list.append(...[...describe(details), ...request].map(detailEntry));
  return block("what", title, list);
}

function detailEntry({ label, values }: Detail): HTMLElement {
  const made = element("div", "");
  const term = element("dt", "");
  term.textContent = label;
  const definition = element("dd", "");
  const lines = values.map((value) => block("value", value));
  definition.append(...(lines.length > VALUES_MAX ? [folded(label, lines)] : lines));
  made.append(term, definition);
  return made;
}

function folded(label: string, lines: readonly HTMLElement[]): HTMLElement {
  const made = element("details", "");
  const summary = element("summary", "");
  summary.textContent = whole.format(lines.length);
  summary.ariaLabel = `${label}: ${lines.length}`;
  made.append(summary, ...lines);
  return made;
}

function timeText(ms: number, zone: Zone): string {
  return `${dateAndClock(ms, zone)} ${zoneName(zone)}`;
}

function span(className: string, text: string): HTMLElement {
  const made = element("span", className);
  made.textContent = text;
  return made;
}

function block(className: string, ...children: readonly (HTMLElement | string)[]): HTMLElement {
  const made = element("div", className);
  made.append(...children);
  return made;
}
