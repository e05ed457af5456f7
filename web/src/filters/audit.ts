/** The filters of the audit trail. They are part of the address while the trail is open. */

export const AUDIT_RESULTS = ["begun", "done", "failed", "refused"] as const;

/** Empty values select nothing. */
export interface AuditFilters {
  /** The principal's name. */
  readonly actor: string;
  readonly action: string;
  readonly result: string;
  /** Words that records have. */
  readonly q: string;
}

export const NO_AUDIT_FILTERS: AuditFilters = { actor: "", action: "", result: "", q: "" };

export const AUDIT_NAMES = Object.keys(NO_AUDIT_FILTERS) as readonly (keyof AuditFilters)[];

const PRINTABLE = /^\P{Cc}*$/u;
const ACTION = /^[a-z-]{0,64}$/u;
const ACTOR_CHARS_MAX = 256;
const Q_CHARS_MAX = 128;
const RESULTS: readonly string[] = ["", ...AUDIT_RESULTS];

/** By name, whether the API takes a value. */
const CHECKS: Readonly<Record<keyof AuditFilters, (text: string) => boolean>> = {
  actor: (text) => text.length <= ACTOR_CHARS_MAX && PRINTABLE.test(text),
  action: (text) => ACTION.test(text),
  result: (text) => RESULTS.includes(text),
  q: (text) => text.length <= Q_CHARS_MAX && PRINTABLE.test(text),
};

/** The name of a filter in the page's address, where the trades have filters of their own. */
export function auditParameter(name: keyof AuditFilters): string {
  return `audit-${name}`;
}

export function isAuditValue(name: keyof AuditFilters, text: string): boolean {
  return CHECKS[name](text);
}

/** Reads the filters from an address. Invalid ones are left out. */
export function parseAudit(query: URLSearchParams): AuditFilters {
  const read = (name: keyof AuditFilters): readonly [string, string] => {
    const text = (query.get(auditParameter(name)) ?? "").trim();
    return [name, isAuditValue(name, text) ? text : ""];
  };
  return { ...NO_AUDIT_FILTERS, ...Object.fromEntries(AUDIT_NAMES.map(read)) };
}

export function writeAudit(filters: AuditFilters, query: URLSearchParams): void {
  for (const name of AUDIT_NAMES.filter((each) => filters[each] !== "")) {
    query.set(auditParameter(name), filters[name]);
  }
}

export function sameAudit(a: AuditFilters, b: AuditFilters): boolean {
  return AUDIT_NAMES.every((name) => a[name] === b[name]);
}
