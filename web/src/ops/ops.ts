/**
 * Operations: how the parts stand, what waits, whether anything is missing, and what could not be handled.
 *
 * The stack's health comes with each view. What only this panel needs is asked for while its dialog is open, and the
 * page is looked at.
 */

import type { Page, Panel, View } from "../page.ts";
import { BuriedView } from "./dead-letters-view.ts";
import { LedgerView } from "./ledger-view.ts";
import { Poll } from "./poll.ts";
import { StackView } from "./stack-view.ts";

export class Operations implements Panel {
  readonly #dialog: HTMLDialogElement | null;
  readonly #stack = new StackView();
  readonly #ledger: LedgerView;
  readonly #buried: BuriedView;
  readonly #poll: Poll;

  constructor(place: HTMLElement, page: Page) {
    this.#dialog = place.closest("dialog");
    this.#ledger = new LedgerView(page.fetch, page.repaint);
    this.#buried = new BuriedView(page);
    this.#poll = new Poll(page.timing, async () => {
      if (page.state.visible) {
        await Promise.all([this.#ledger.refresh(), this.#buried.refresh()]);
      }
    });
    this.#dialog?.addEventListener("close", () => this.#poll.watch(false));
    const { parts, tubes, programs } = this.#stack;
    place.append(parts, tubes, this.#buried.element, this.#ledger.element, programs);
  }

  paint(view: View): void {
    if (!this.#dialog?.open) {
      return;
    }
    this.#poll.watch(true);
    this.#stack.paint(view.health);
    this.#ledger.paint(view.health);
    this.#buried.paint(view);
  }
}
