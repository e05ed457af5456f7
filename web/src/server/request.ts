/** Requests to the API, with a message for every kind of failure. */

import { type Fetch, refusalReasons } from "./fetch.ts";

const TIMEOUT_MS = 10_000;
const UNAUTHORIZED = 401;
const MESSAGES: ReadonlyMap<number, string> = new Map([
  [429, "The server gets too many requests."],
  [503, "The server can’t answer at the moment."],
]);

export type Answer =
  | { readonly kind: "ok"; readonly body: unknown }
  | { readonly kind: "unauthorized" | "failed"; readonly message: string };

/** Sends a request. Never throws. */
export async function request(fetch: Fetch, path: string, init: RequestInit = {}): Promise<Answer> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(path, { ...init, cache: "no-store", signal });
    const body: unknown = await response.json();
    if (response.ok) {
      return { kind: "ok", body };
    }
    const kind = response.status === UNAUTHORIZED ? "unauthorized" : "failed";
    return { kind, message: MESSAGES.get(response.status) ?? reasons(body) };
  } catch {
    return { kind: "failed", message: "The server does not answer." };
  }
}

function reasons(body: unknown): string {
  return refusalReasons(body).join(" ") || "The server answered with an error.";
}
