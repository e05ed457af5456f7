/** Requests to the host that served this page, and the checks that all answers need. */

import { isRecord } from "../trade/json.ts";

/** `fetch` in the page, a fake in the tests. */
export type Fetch = (path: string, init: RequestInit) => Promise<Response>;

const UNAUTHORIZED = 401;

/**
 * Wraps `fetch` so that a redirect counts as a refusal. Tradewire sends none: a proxy in front wants the user to log
 * in, and no script can follow it there.
 */
export function withoutRedirects(fetch: Fetch): Fetch {
  return async (path, init) => {
    const response = await fetch(path, { ...init, redirect: "manual" });
    return response.type === "opaqueredirect" ? new Response("", { status: UNAUTHORIZED }) : response;
  };
}

/** nginx answers within this time, if only with an error. A dead connection never does. */
const TIMEOUT_MS = 20_000;

/** Sends a query to the API. Rejects if there is no answer. */
export function get(fetch: Fetch, path: string): Promise<Response> {
  const headers = { accept: "application/json" };
  return fetch(path, { headers, cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
}

/** Reads an answer. Rejects if it is an error, or if `parse` finds it malformed and returns undefined. */
export async function readAnswer<T>(
  response: Response,
  parse: (answer: unknown) => T | undefined,
): Promise<T> {
  if (!response.ok) {
    throw new Error(`the archive answered ${response.status}`);
  }
  const parsed = parse(await response.json());
  if (parsed === undefined) {
    throw new Error("the archive’s answer is invalid");
  }
  return parsed;
}

/** The reasons in the API's answer to a refused request, as sentences. */
export function refusalReasons(answer: unknown): readonly string[] {
  return textsOf(answer, "detail");
}

/** The code of the first reason; empty if the answer has none. */
export function refusalCode(answer: unknown): string {
  return textsOf(answer, "code")[0] ?? "";
}

function textsOf(answer: unknown, field: "code" | "detail"): readonly string[] {
  const errors = isRecord(answer) && Array.isArray(answer["errors"]) ? answer["errors"] : [];
  return errors.flatMap((error) =>
    isRecord(error) && typeof error[field] === "string" ? [error[field]] : [],
  );
}
