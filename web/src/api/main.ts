/** Entry point of the API reference page. */

import { fromRoot } from "../root.ts";
import { byId } from "../ui/dom.ts";
import { PanelState } from "../ui/panel-state.ts";
import { followTheme } from "../ui/theme.ts";
import { type ApiDocument, parseDocument } from "./document.ts";
import { view } from "./view.ts";

const UNAUTHORIZED = 401;
const LOG_IN = "Log in on the live page first, then load this page again.";
const SOURCE = "/api/openapi.json";
const TIMEOUT_MS = 20_000;

const main = byId("api", HTMLElement);
const state = new PanelState(main);

class LoggedOutError extends Error {}

async function show(): Promise<void> {
  state.paint({ kind: "loading", text: "Loading…" });
  try {
    main.append(...view(await load(), location.origin + fromRoot("/").slice(0, -1)));
  } catch (error) {
    console.warn("Tradewire: failed to fetch the API's description:", error);
    const text = error instanceof LoggedOutError ? LOG_IN : "The API description could not be loaded.";
    state.paint({ kind: "failed", text }, { label: "Try again", run: show });
    return;
  }
  state.paint({ kind: "ready", text: "" });
  // The browser looked for the address's fragment before the page had content.
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

async function load(): Promise<ApiDocument> {
  const response = await fetch(fromRoot(SOURCE), { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (response.status === UNAUTHORIZED) {
    throw new LoggedOutError("not logged in");
  }
  const api = response.ok ? parseDocument(await response.json()) : undefined;
  if (!api) {
    throw new Error(`${SOURCE} answered ${response.status} and no OpenAPI 3.1 document`);
  }
  return api;
}

addEventListener("online", () => {
  if (main.dataset["state"] === "failed") {
    show();
  }
});
followTheme();
await show();
