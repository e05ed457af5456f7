/** What is buried, one below the other; with the token, it can be put back or deleted. */

import type { Page, View } from "../page.ts";
import type { Health } from "../server/health.ts";
import { element, setText } from "../ui/dom.ts";
import type { Zone } from "../ui/preferences.ts";
import { BurialItem } from "./dead-letter-item.ts";
import { type Burials, Graveyard, LISTED_MAX } from "./dead-letters.ts";
import { section } from "./section.ts";
import { TokenForm } from "./token-form.ts";

const whole = new Intl.NumberFormat();

export class BuriedView {
  readonly element: HTMLElement;
  readonly #graveyard: Graveyard;
  readonly #form: TokenForm;
  readonly #remark = element("p", "remark");
  readonly #done = element("p", "done");
  readonly #trouble = element("p", "trouble");
  readonly #list = element("ul", "burials");
  readonly #items = new Map<string, BurialItem>();
  #painted: { readonly burials: Burials; readonly health: Health; readonly zone: Zone } | undefined;

  constructor({ fetch, repaint }: Pick<Page, "fetch" | "repaint">) {
    this.#graveyard = new Graveyard(fetch, repaint);
    this.#form = new TokenForm(
      (token) => this.#graveyard.open(token),
      () => this.#graveyard.lock(),
    );
    this.#done.role = "status";
    this.#done.dataset["testid"] = "ops-done";
    this.#trouble.role = "alert";
    this.#trouble.dataset["testid"] = "ops-trouble";
    this.#remark.dataset["testid"] = "ops-buried-remark";
    const parts = [this.#remark, this.#form.element, this.#done, this.#trouble, this.#list];
    this.element = section("ops-buried-title", "Buried", ...parts);
    // Where the focus goes when what had it is gone.
    this.#list.tabIndex = -1;
    this.#list.setAttribute("aria-labelledby", "ops-buried-title");
  }

  refresh(): Promise<void> {
    return this.#graveyard.refresh();
  }

  paint({ health, zone }: View): void {
    const burials = this.#graveyard.latest;
    const before = this.#painted;
    if (before?.burials === burials && before.health === health && before.zone === zone) {
      return;
    }
    this.#painted = { burials, health, zone };
    setText(this.#remark, remark(burials, health));
    this.#remark.hidden = this.#remark.textContent === "";
    this.#form.paint(burials.phase);
    setText(this.#done, burials.done);
    setText(this.#trouble, burials.trouble);
    this.#paintList(burials, zone);
  }

  #paintList({ list, busy }: Burials, zone: Zone): void {
    const hadFocus = this.#list.contains(document.activeElement);
    const wanted = new Set(list.map(({ key }) => key));
    for (const [key, item] of this.#items) {
      if (!wanted.has(key)) {
        item.element.remove();
        this.#items.delete(key);
      }
    }
    for (const [index, burial] of list.entries()) {
      const item = this.#items.get(burial.key) ?? new BurialItem(burial, this.#graveyard);
      this.#items.set(burial.key, item);
      item.paint(zone, busy.has(burial.key));
      if (this.#list.children[index] !== item.element) {
        this.#list.insertBefore(item.element, this.#list.children[index] ?? null);
      }
    }
    this.#list.hidden = list.length === 0 && !hadFocus;
    if (hadFocus && !this.#list.contains(document.activeElement)) {
      this.#list.focus({ preventScroll: true });
    }
  }
}

/** How many there are, as far as it is known; the list itself needs no words. */
export function remark({ phase, list }: Burials, { tubes }: Health): string {
  if (!tubes && phase !== "open") {
    return "How many are buried is not known now.";
  }
  const buried = (tubes ?? []).filter((tube) => tube.buried > 0);
  if (phase !== "open") {
    const counts = buried.map((tube) => `${whole.format(tube.buried)} in ${tube.name}`).join(", ");
    return counts === ""
      ? "Nothing is buried."
      : `Could not be handled: ${counts}. To see them, say who you are.`;
  }
  if (list.length === 0) {
    return "Nothing is buried.";
  }
  const more = buried.filter((tube) => tube.buried > LISTED_MAX);
  return more
    .map((tube) => `Of ${tube.name}, the ${LISTED_MAX} oldest of ${whole.format(tube.buried)} are listed.`)
    .join(" ");
}
