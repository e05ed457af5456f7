/**
 * The operations dialog: components, queue, dead letters, ledger and programs.
 *
 * The stack's health and the ledger come with each view. Dead letters are polled while the dialog is open and the page is
 * visible.
 */

import type { Section } from "../filters/dialog.ts";
import type { Page, Panel, View } from "../page.ts";
import { byId } from "../ui/dom.ts";
import { Modal } from "../ui/modal.ts";
import { DeadLettersView } from "./dead-letters-view.ts";
import { LedgerView } from "./ledger-view.ts";
import { Poll } from "./poll.ts";
import { StackView } from "./stack-view.ts";

export class Operations implements Panel {
  readonly #modal: Modal;
  readonly #stack = new StackView();
  readonly #ledger = new LedgerView();
  readonly #deadLetters: DeadLettersView;
  readonly #poll: Poll;
  readonly #places: Readonly<Partial<Record<Section, HTMLElement>>>;
  /** The section that the dialog was opened at. */
  #section: Section | undefined;

  constructor(place: HTMLElement, page: Page) {
    this.#modal = new Modal(byId("ops-dialog", HTMLDialogElement), () => page.address.closeDialog());
    byId("ops-open", HTMLButtonElement).addEventListener("click", () => {
      page.address.open({ kind: "operations", section: "operations" });
    });
    this.#deadLetters = new DeadLettersView(page);
    this.#poll = new Poll(page.timing, async () => {
      if (page.state.visible) {
        await this.#deadLetters.refresh();
      }
    });
    const { components, tubes, programs } = this.#stack;
    this.#places = { ledger: this.#ledger.element, "dead-letters": this.#deadLetters.element };
    place.append(components, tubes, this.#deadLetters.element, this.#ledger.element, programs);
  }

  paint(view: View): void {
    const section = view.dialog?.kind === "operations" ? view.dialog.section : undefined;
    this.#modal.paint(section !== undefined);
    this.#poll.setActive(section !== undefined);
    if (!section) {
      this.#section = undefined;
      return;
    }
    this.#stack.paint(view.health);
    this.#ledger.paint(view.ledger);
    this.#deadLetters.paint(view);
    if (section !== this.#section) {
      this.#section = section;
      this.#moveTo(this.#places[section]);
    }
  }

  /** Tab and a screen reader go on from there, not from the head of the dialog. */
  #moveTo(place: HTMLElement | undefined): void {
    place?.scrollIntoView();
    place?.focus({ preventScroll: true });
  }
}
