/** One strip of plain words for whatever is not well with the stack. */

import type { Panel, View } from "../page.ts";
import type { Health } from "../server/health.ts";
import { byId, setText } from "../ui/dom.ts";
import { Faults } from "./alerts.ts";

/** More than these are in the operations panel. */
const LINES = 3;

export class Strip implements Panel {
  readonly #strip = byId("health", HTMLElement);
  readonly #list = byId("faults", HTMLUListElement);
  readonly #faults = new Faults();
  #health: Health | undefined;

  paint({ health, state }: View): void {
    if (health === this.#health) {
      return;
    }
    this.#health = health;
    const faults = this.#faults.lasting(health, state.connection.phase === "live");
    const lines = faults.slice(0, LINES);
    if (faults.length > LINES) {
      lines.push(`And ${faults.length - LINES} more: see Operations.`);
    }
    this.#strip.hidden = lines.length === 0;
    while (this.#list.children.length > lines.length) {
      this.#list.lastElementChild?.remove();
    }
    // What says the same as before is left alone: screen readers would say it again.
    for (const [index, line] of lines.entries()) {
      setText(this.#line(index), line);
    }
  }

  #line(index: number): HTMLElement {
    const there = this.#list.children[index];
    if (there instanceof HTMLElement) {
      return there;
    }
    const line = document.createElement("li");
    this.#list.append(line);
    return line;
  }
}
