/** What a link asks for in vain, and what the page shows instead, in words. */

import { AUDIT_NAMES, auditParameter, isAuditValue } from "./audit.ts";
import { FILTER_NAMES, isEmptyRange, NO_FILTERS, readFilter } from "./filters.ts";
import { parseOrder } from "./order.ts";
import { parseRange } from "./range.ts";

const RANGE_NAMES = ["window", "since", "until"];

/** Returns a sentence for each part of an address that is not used. */
export function findProblems(query: URLSearchParams): readonly string[] {
  const known = new Set<string>([
    ...FILTER_NAMES,
    ...RANGE_NAMES,
    ...AUDIT_NAMES.map(auditParameter),
    "sort",
  ]);
  const unknown = [...new Set(query.keys())].filter((name) => !known.has(name));
  const invalid = FILTER_NAMES.filter((name) => readFilter(name, query.get(name) ?? "") === undefined);
  const invalidAudit = AUDIT_NAMES.filter(
    (name) => !isAuditValue(name, query.get(auditParameter(name)) ?? ""),
  );
  return [
    ...unknown.map((name) => `The page knows no “${name}”. It is ignored.`),
    ...[...invalid, ...invalidAudit.map(auditParameter)].map(
      (name) => `“${name}=${query.get(name)}” is not valid. It is ignored.`,
    ),
    ...amountProblems(query),
    ...rangeProblems(query),
    ...orderProblems(query),
  ];
}

function amountProblems(query: URLSearchParams): readonly string[] {
  const [min, max] = [query.get("min") ?? "", query.get("max") ?? ""];
  const [low, high] = [readFilter("min", min), readFilter("max", max)];
  const isEmpty =
    low !== undefined && high !== undefined && isEmptyRange({ ...NO_FILTERS, min: low, max: high });
  return isEmpty ? [`“max=${max}” is less than “min=${min}”. The maximum is ignored.`] : [];
}

function rangeProblems(query: URLSearchParams): readonly string[] {
  const asked = RANGE_NAMES.flatMap((name) => (query.has(name) ? [`${name}=${query.get(name)}`] : []));
  return asked.length === 0 || parseRange(query)
    ? []
    : [`“${asked.join("&")}” is not a valid time range. The page shows the last hour.`];
}

function orderProblems(query: URLSearchParams): readonly string[] {
  const text = query.get("sort");
  return text === null || parseOrder(text)
    ? []
    : [`“sort=${text}” is no order of the list. The page shows the newest trades first.`];
}
