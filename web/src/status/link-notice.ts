/** Says which parts of a link the page can't use, and what it shows instead. */

import type { Page, Panel, View } from "../page.ts";
import { byId, element } from "../ui/dom.ts";

export class LinkNotice implements Panel {
  readonly #notice = byId("link-notice", HTMLElement);
  readonly #list = byId("link-problems", HTMLUListElement);
  #problems: readonly string[] = [];

  constructor({ address }: Page) {
    byId("link-dismiss", HTMLButtonElement).addEventListener("click", () => address.dismissProblems());
  }

  paint({ problems }: View): void {
    if (problems === this.#problems) {
      return;
    }
    this.#problems = problems;
    this.#notice.hidden = problems.length === 0;
    this.#list.replaceChildren(
      ...problems.map((problem) => {
        const line = element("li", "");
        line.textContent = problem;
        return line;
      }),
    );
  }
}
