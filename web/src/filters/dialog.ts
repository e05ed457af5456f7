/** The dialog that is open above the page. It is part of the address, so it can be linked, and Back closes it. */

import { fromRoot, withinRoot } from "../root.ts";
import { type AuditFilters, parseAudit } from "./audit.ts";

/** The sections of the operations dialog that a link leads to. */
export const SECTIONS = ["operations", "ledger", "dead-letters"] as const;

export type Section = (typeof SECTIONS)[number];

export type Dialog =
  /** `id` is as it is in the address, and may not be one. */
  | { readonly kind: "trade"; readonly id: string }
  | { readonly kind: "operations"; readonly section: Section }
  | { readonly kind: "audit"; readonly filters: AuditFilters }
  | { readonly kind: "help" };

/** The parts of an address that name a dialog. The filters of the audit trail are in the query. */
export interface DialogAddress {
  readonly path: string;
  /** Empty, or with its leading `#`. */
  readonly hash: string;
}

const home = (): string => fromRoot("/");
const TRADE = /^\/trade\/(?<id>.*)$/u;

/** Returns the dialog of an address, if it names one. */
export function parseDialog(
  { path, hash }: DialogAddress,
  query = new URLSearchParams(),
): Dialog | undefined {
  const { id } = TRADE.exec(withinRoot(path))?.groups ?? {};
  if (id !== undefined) {
    return { kind: "trade", id: decoded(id) };
  }
  const section = SECTIONS.find((each) => hash === `#${each}`);
  if (section) {
    return { kind: "operations", section };
  }
  if (hash === "#audit") {
    return { kind: "audit", filters: parseAudit(query) };
  }
  return hash === "#help" ? { kind: "help" } : undefined;
}

export function dialogAddress(dialog: Dialog | undefined): DialogAddress {
  switch (dialog?.kind) {
    case "trade":
      return { path: tradePath(dialog.id), hash: "" };
    case "operations":
      return { path: home(), hash: `#${dialog.section}` };
    case "audit":
    case "help":
      return { path: home(), hash: `#${dialog.kind}` };
    default:
      return { path: home(), hash: "" };
  }
}

/** The path of a trade's address. */
export function tradePath(id: string): string {
  return fromRoot(`/trade/${encodeURIComponent(id)}`);
}

function decoded(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}
