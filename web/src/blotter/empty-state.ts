/** Shown before the first trade: how to post one. */

import { isFiltered } from "../filters/filters.ts";
import type { Panel, View } from "../page.ts";
import { fromRoot } from "../root.ts";
import { isOpen } from "../server/access.ts";
import { keyCommand, startCommand } from "../server/control.ts";
import type { State } from "../stream/state.ts";
import { copyFrom } from "../ui/copy-button.ts";
import { byId, setText } from "../ui/dom.ts";

const NEEDS_KEY = !isOpen();
const KEY = NEEDS_KEY ? `-H "Authorization: Bearer $TOKEN" ` : "";
/** Can be pasted as it is. Lines are broken where JSON and the shell allow it. */
const EXAMPLE = `curl ${KEY}-H 'Content-Type: application/json' \\
  -d '{"userId":"134259","currencyFrom":"EUR","currencyTo":"GBP",
       "amountSell":1000,"amountBuy":747.10,"rate":0.7471,
       "timePlaced":"24-JAN-15 10:27:44","originatingCountry":"FR"}' \\
  ${location.origin}${fromRoot("/api/message")}`;

export class EmptyState implements Panel {
  readonly #empty = byId("empty", HTMLElement);
  readonly #heading = byId("empty-heading", HTMLElement);
  readonly #demo = byId("demo-command", HTMLElement);

  constructor() {
    // The demo has no key, so it can post with open access alone.
    byId("demo-advice", HTMLElement).hidden = NEEDS_KEY;
    byId("key-advice", HTMLElement).hidden = !NEEDS_KEY;
    setText(byId("key-command", HTMLElement), keyCommand());
    const example = byId("example", HTMLElement);
    example.textContent = EXAMPLE;
    copyFrom(byId("example-copy", HTMLButtonElement), example);
  }

  paint({ state, filters, health }: View): void {
    const isLoading = !(state.isBackfilled || state.isBackfillFailing);
    // If filters exclude all trades, the table's footer tells so.
    this.#empty.hidden = isLoading || state.trades.length > 0 || isFiltered(filters);
    setText(this.#heading, heading(state));
    setText(this.#demo, startCommand("demo", health.home));
  }
}

function heading({ connection, isBackfilled }: State): string {
  if (connection.phase !== "live") {
    return "No connection yet";
  }
  return isBackfilled ? "No trades yet" : "Earlier trades can’t be loaded yet";
}
