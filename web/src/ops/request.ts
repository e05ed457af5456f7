/** Questions to the API, with the words for whatever comes instead of an answer. */

import type { Fetch } from "../server/fetch.ts";
import { isRecord } from "../trade/event.ts";

const ANSWER_WITHIN_MS = 10_000;
const UNAUTHORIZED = 401;
const REASONS: ReadonlyMap<number, string> = new Map([
  [429, "The server has too many questions."],
  [503, "The server can’t answer this at the moment."],
]);

export type Answer =
  | { readonly kind: "ok"; readonly body: unknown }
  | { readonly kind: "unauthorized" | "failed"; readonly words: string };

/** The answer to a request; never throws. */
export async function ask(fetch: Fetch, path: string, init: RequestInit = {}): Promise<Answer> {
  try {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    const response = await fetch(path, { ...init, cache: "no-store", signal });
    const body: unknown = await response.json();
    if (response.ok) {
      return { kind: "ok", body };
    }
    const kind = response.status === UNAUTHORIZED ? "unauthorized" : "failed";
    return { kind, words: REASONS.get(response.status) ?? detail(body) };
  } catch {
    return { kind: "failed", words: "The server does not answer." };
  }
}

/** What the API says of a call that it refused. */
function detail(body: unknown): string {
  const errors = isRecord(body) && Array.isArray(body["errors"]) ? body["errors"] : [];
  const said = errors.flatMap((error) =>
    isRecord(error) && typeof error["detail"] === "string" ? [error["detail"]] : [],
  );
  return said.join(" ") || "The server answered with a fault.";
}
