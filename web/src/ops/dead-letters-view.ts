/** The section of dead letters. With the operator token they can be listed, requeued and deleted. */

import type { Page, View } from "../page.ts";
import type { Health } from "../server/health.ts";
import { element, setText } from "../ui/dom.ts";
import { numberFormat } from "../ui/format.ts";
import type { Zone } from "../ui/preferences.ts";
import { action, DeadLetterItem } from "./dead-letter-item.ts";
import { DeadLetterClient, type DeadLettersState, LISTED_MAX } from "./dead-letters.ts";
import { section } from "./section.ts";
import { TokenForm } from "./token-form.ts";

const whole = numberFormat();

export class DeadLettersView {
  readonly element: HTMLElement;
  readonly #client: DeadLetterClient;
  readonly #form: TokenForm;
  readonly #remark = element("p", "remark");
  readonly #result = element("p", "result");
  readonly #error = element("p", "error");
  readonly #list = element("ul", "dead-letters");
  readonly #bulk = element("div", "actions");
  readonly #bulkButtons = new Map<string, HTMLButtonElement>();
  readonly #items = new Map<string, DeadLetterItem>();
  #painted: { readonly state: DeadLettersState; readonly health: Health; readonly zone: Zone } | undefined;

  constructor({ fetch, repaint }: Pick<Page, "fetch" | "repaint">) {
    this.#client = new DeadLetterClient(fetch, repaint);
    this.#form = new TokenForm(
      (token) => this.#client.unlock(token),
      () => this.#client.lock(),
    );
    this.#result.role = "status";
    this.#result.dataset["testid"] = "ops-result";
    this.#error.role = "alert";
    this.#error.dataset["testid"] = "ops-error";
    this.#remark.dataset["testid"] = "ops-dead-letters-remark";
    // One line for both, with a height of its own, so that a message moves nothing.
    const messages = element("div", "messages");
    messages.append(this.#result, this.#error);
    const children = [this.#remark, this.#form.element, messages, this.#bulk, this.#list];
    this.element = section("ops-dead-letters-title", "Dead letters", ...children);
    // Receives the focus when the focused item is removed.
    this.#list.tabIndex = -1;
    this.#list.setAttribute("aria-labelledby", "ops-dead-letters-title");
  }

  refresh(): Promise<void> {
    return this.#client.refresh();
  }

  paint({ health, session, zone }: Pick<View, "health" | "session" | "zone">): void {
    this.#client.follow(session);
    const state = this.#client.latest;
    const before = this.#painted;
    if (before?.state === state && before.health === health && before.zone === zone) {
      return;
    }
    this.#painted = { state, health, zone };
    setText(this.#remark, remark(state, health));
    this.#remark.hidden = this.#remark.textContent === "";
    this.#form.paint(state.phase, health.home);
    this.#form.element.hidden = state.hasSession;
    setText(this.#result, state.result);
    setText(this.#error, state.error);
    this.#paintBulk(state);
    this.#paintList(state, zone);
  }

  /** A button for each tube that has several dead letters. */
  #paintBulk({ list, busy }: DeadLettersState): void {
    const tubes = [...new Set(list.map(({ tube }) => tube))];
    const several = tubes.filter((tube) => list.filter((letter) => letter.tube === tube).length > 1);
    for (const [tube, button] of this.#bulkButtons) {
      if (!several.includes(tube)) {
        button.remove();
        this.#bulkButtons.delete(tube);
      }
    }
    for (const tube of several) {
      const text = `Requeue all of ${tube}`;
      const button =
        this.#bulkButtons.get(tube) ?? action(text, text, "requeue-all", () => this.#client.requeueAll(tube));
      button.ariaDisabled = String(busy.has(tube));
      if (!this.#bulkButtons.has(tube)) {
        this.#bulkButtons.set(tube, button);
        this.#bulk.append(button);
      }
    }
    this.#bulk.hidden = several.length === 0;
  }

  #paintList({ list, busy }: DeadLettersState, zone: Zone): void {
    const hadFocus = this.#list.contains(document.activeElement);
    const kept = new Set(list.map(({ key }) => key));
    for (const [key, item] of this.#items) {
      if (!kept.has(key)) {
        item.element.remove();
        this.#items.delete(key);
      }
    }
    for (const [index, letter] of list.entries()) {
      const item = this.#items.get(letter.key) ?? new DeadLetterItem(letter, this.#client);
      this.#items.set(letter.key, item);
      item.paint(zone, busy.has(letter.key));
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

/** The number of dead letters as far as it is known. A complete list needs no remark. */
export function remark({ phase, hasSession, list }: DeadLettersState, { tubes }: Health): string {
  if (hasSession && phase !== "unlocked") {
    return "Dead letters need the role operator.";
  }
  if (!tubes && phase !== "unlocked") {
    return "The number of dead letters is unknown.";
  }
  const tubesWithLetters = (tubes ?? []).filter((tube) => tube.deadLetters > 0);
  if (phase !== "unlocked") {
    const counts = tubesWithLetters
      .map((tube) => `${whole.format(tube.deadLetters)} in ${tube.name}`)
      .join(", ");
    return counts === ""
      ? "No dead letters."
      : `Dead letters: ${counts}. Enter the operator token to view them.`;
  }
  if (list.length === 0) {
    return "No dead letters.";
  }
  const more = tubesWithLetters.filter((tube) => tube.deadLetters > LISTED_MAX);
  return more
    .map(
      (tube) =>
        `${tube.name}: only the ${LISTED_MAX} oldest of ${whole.format(tube.deadLetters)} are listed.`,
    )
    .join(" ");
}
