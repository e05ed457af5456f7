/** A bar of plain sentences about problems of the stack. */

import type { Panel, View } from "../page.ts";
import type { Health } from "../server/health.ts";
import { byId, setText } from "../ui/dom.ts";
import { Alerts } from "./alerts.ts";

/** The operations panel has all of them. */
const MAX_LINES = 3;

export class AlertBar implements Panel {
  readonly #bar = byId("alert-bar", HTMLElement);
  readonly #list = byId("alerts", HTMLUListElement);
  readonly #alerts = new Alerts();
  #health: Health | undefined;

  paint({ health, state }: View): void {
    if (health === this.#health) {
      return;
    }
    this.#health = health;
    const alerts = this.#alerts.lasting(health, state.connection.phase === "live");
    const lines = alerts.slice(0, MAX_LINES);
    if (alerts.length > MAX_LINES) {
      lines.push(`And ${alerts.length - MAX_LINES} more: see Operations.`);
    }
    this.#bar.hidden = lines.length === 0;
    while (this.#list.children.length > lines.length) {
      this.#list.lastElementChild?.remove();
    }
    // Unchanged lines are left alone, because screen readers would read them again.
    for (const [index, line] of lines.entries()) {
      setText(this.#line(index), line);
    }
  }

  #line(index: number): HTMLElement {
    const existing = this.#list.children[index];
    if (existing instanceof HTMLElement) {
      return existing;
    }
    const line = document.createElement("li");
    this.#list.append(line);
    return line;
  }
}
