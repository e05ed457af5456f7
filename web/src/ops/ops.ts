/**
 * The operations dialog: components, queue, dead letters, ledger and programs.
 *
 * The stack's health comes with each view. The rest is polled while the dialog is open and the page is
 * visible.
 */

import type { Page, Panel, View } from "../page.ts";
import { DeadLettersView } from "./dead-letters-view.ts";
import { LedgerView } from "./ledger-view.ts";
import { Poll } from "./poll.ts";
import { StackView } from "./stack-view.ts";

export class Operations implements Panel {
  readonly #dialog: HTMLDialogElement | null;
  readonly #stack = new StackView();
  readonly #ledger: LedgerView;
  readonly #deadLetters: DeadLettersView;
  readonly #poll: Poll;

  constructor(place: HTMLElement, page: Page) {
    this.#dialog = place.closest("dialog");
    this.#ledger = new LedgerView(page.fetch, page.repaint);
    this.#deadLetters = new DeadLettersView(page);
    this.#poll = new Poll(page.timing, async () => {
      if (page.state.visible) {
        await Promise.all([this.#ledger.refresh(), this.#deadLetters.refresh()]);
      }
    });
    this.#dialog?.addEventListener("close", () => this.#poll.setActive(false));
    const { components, tubes, programs } = this.#stack;
    place.append(components, tubes, this.#deadLetters.element, this.#ledger.element, programs);
  }

  paint(view: View): void {
    if (!this.#dialog?.open) {
      return;
    }
    this.#poll.setActive(true);
    this.#stack.paint(view.health);
    this.#ledger.paint(view.health);
    this.#deadLetters.paint(view);
  }
}
