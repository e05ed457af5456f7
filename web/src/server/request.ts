/** Requests to the API, with a message for every kind of failure. */

import { type Fetch, refusalCode, refusalReasons } from "./fetch.ts";

const TIMEOUT_MS = 10_000;
const UNAUTHORIZED = 401;
const MESSAGES: ReadonlyMap<number, string> = new Map([
  [429, "The server gets too many requests."],
  [503, "The server can’t answer at the moment."],
]);

export type Answer =
  | { readonly kind: "ok"; readonly body: unknown }
  | {
      readonly kind: "unauthorized" | "failed";
      readonly message: string;
      /** The server's own words, for administrators; empty if there are none. */
      readonly detail: string;
      /** The API's code of the failure; empty if there is none. */
      readonly code: string;
      /** 0 without an answer. */
      readonly status: number;
      /** 0 if the answer does not say. */
      readonly retryAfterSeconds: number;
    };

/** Sends a request. Never throws. */
export async function request(fetch: Fetch, path: string, init: RequestInit = {}): Promise<Answer> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const headers = new Headers(init.headers);
    // A proxy in front then answers 401, and not with a page for its login.
    headers.set("accept", "application/json");
    const response = await fetch(path, { ...init, headers, cache: "no-store", signal });
    if (response.ok) {
      return { kind: "ok", body: await response.json() };
    }
    const { status } = response;
    // A proxy in front may refuse with a page.
    const body: unknown = await response.json().catch(() => undefined);
    return {
      kind: status === UNAUTHORIZED ? "unauthorized" : "failed",
      message: MESSAGES.get(status) ?? reasons(body),
      detail: refusalReasons(body).join(" "),
      code: refusalCode(body),
      status,
      retryAfterSeconds: Number(response.headers.get("retry-after")) || 0,
    };
  } catch {
    return {
      kind: "failed",
      message: "The server does not answer.",
      detail: "",
      code: "",
      status: 0,
      retryAfterSeconds: 0,
    };
  }
}

function reasons(body: unknown): string {
  return refusalReasons(body).join(" ") || "The server answered with an error.";
}
