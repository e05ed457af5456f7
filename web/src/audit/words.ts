/** Actions, results and details of the audit trail in words. */

import { numberFormat } from "../ui/format.ts";
import type { Chain } from "./record.ts";

/** Every action that docs/audit.md lists. A newer server may know others. */
export const ACTIONS: Readonly<Record<string, string>> = {
  login: "Log in",
  logout: "Log out",
  "session-ended": "End a session",
  "grants-deleted": "Delete what the provider gave",
  "credentials-refused": "Use credentials",
  "request-refused": "Send a request",
  "key-added": "Add a key",
  "key-rotated": "Rotate a key",
  "key-revoked": "Revoke a key",
  "user-added": "Add a user",
  "user-roles-changed": "Change a user’s roles",
  "user-password-changed": "Change a user’s password",
  "user-logged-out": "Log a user out",
  "user-removed": "Remove a user",
  "settings-changed": "Change settings",
  upgraded: "Upgrade",
  backup: "Make a backup",
  "backup-drill": "Try a backup out",
  restore: "Restore a backup",
  "client-ca-changed": "Change the CAs of clients",
  "consumer-drain": "Drain a consumer",
  "consumer-drop": "Drop a consumer",
  "dead-letters-listed": "List dead letters",
  "dead-letters-requeued": "Requeue dead letters",
  "dead-letters-deleted": "Delete dead letters",
  "losses-settled": "Settle losses",
  "messages-exported": "Export messages",
  torn: "Mark torn bytes",
};

/** With a sign of its own for each, so that no colour carries the meaning alone. */
export const RESULTS: Readonly<Record<string, string>> = {
  begun: "… Begun",
  done: "✓ Done",
  failed: "✕ Failed",
  refused: "▲ Refused",
};

const LABELS: Readonly<Record<string, string>> = {
  id: "Id",
  ids: "Ids",
  sha256: "SHA-256",
  leftOut: "Refusals left out before",
  needs: "Needs a role of",
  letters: "Dead letters",
  q: "Search",
};
const CAPITALS = /[A-Z]/gu;

/** A part of a record's details: a label and its values, each on a line. */
export interface Detail {
  readonly label: string;
  readonly values: readonly string[];
}

export function actionWords(action: string): string {
  return ACTIONS[action] ?? sentence(action.replaceAll("-", " "));
}

export function describe(details: Readonly<Record<string, unknown>>): readonly Detail[] {
  return Object.entries(details).map(([name, value]) => ({
    label: labelOf(name),
    values: Array.isArray(value) && value.some(isObject) ? value.map(textOf) : [textOf(value)],
  }));
}

/** The state of the chain in a sentence. */
export function chainWords({ count, status, checked, detail }: Chain, locale?: string): string {
  const whole = numberFormat({}, locale);
  const records = `${whole.format(count)} ${count === 1 ? "record" : "records"}`;
  if (status === "damaged") {
    return `▲ ${records}. ${sentence(detail)}.`;
  }
  if (status === "checking") {
    return `… ${records}, being checked since the API has started.`;
  }
  if (status === "whole") {
    const ahead = count - checked;
    return ahead > 0
      ? `✓ ${records}. All but the newest ${whole.format(ahead)} are as they were written.`
      : `✓ ${records}, as they were written.`;
  }
  return `▲ ${records}. They can’t be checked: ${detail}.`;
}

function labelOf(name: string): string {
  return (
    LABELS[name] ??
    (isSetting(name) ? name : sentence(name.replace(CAPITALS, (letter) => ` ${letter.toLowerCase()}`)))
  );
}

/** The name of a setting, which is written as it is. */
function isSetting(name: string): boolean {
  return name === name.toUpperCase();
}

function textOf(value: unknown): string {
  if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) {
    return "none";
  }
  if (Array.isArray(value)) {
    return value.map(textOf).join(", ");
  }
  if (isObject(value)) {
    const parts = Object.entries(value).map(([name, part]) => `${labelOf(name)}: ${textOf(part)}`);
    return parts.length === 0 ? "none" : parts.join(", ");
  }
  if (typeof value === "boolean") {
    return value ? "yes" : "no";
  }
  return value === "" ? "empty" : String(value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
