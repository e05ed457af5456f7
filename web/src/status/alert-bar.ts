/** A bar of plain sentences about problems of the stack. */

import type { Panel, View } from "../page.ts";
import type { Health } from "../server/health.ts";
import { byId, element } from "../ui/dom.ts";
import { type Alert, Alerts } from "./alerts.ts";

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
    const more = { text: `And ${alerts.length - MAX_LINES} more: see Operations.` };
    const lines = [...alerts.slice(0, MAX_LINES), ...(alerts.length > MAX_LINES ? [more] : [])];
    this.#bar.hidden = lines.length === 0;
    while (this.#list.children.length > lines.length) {
      this.#list.lastElementChild?.remove();
    }
    // Unchanged lines are left alone, because screen readers would read them again.
    for (const [index, line] of lines.entries()) {
      this.#write(this.#line(index), line);
    }
  }

  #write(item: HTMLElement, { text, command = "" }: Alert): void {
    const key = `${text} ${command}`;
    if (item.dataset["key"] === key) {
      return;
    }
    item.dataset["key"] = key;
    const code = element("code", "");
    code.textContent = command;
    item.replaceChildren(text, ...(command === "" ? [] : [" To start one: ", code]));
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
