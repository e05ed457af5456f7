/**
 * The operations dialog: components, programs, queue, dead letters and ledger.
 *
 * The stack's health and the ledger come with each view. Dead letters are polled while the dialog is open and the page is
 * visible. Nothing is shown before the health is known, and the ledger comes last, so that no section moves another.
 */

import type { Section } from "../filters/dialog.ts";
import type { Page, Panel, View } from "../page.ts";
import { Poll } from "../server/poll.ts";
import { hasRole } from "../server/session.ts";
import { byId } from "../ui/dom.ts";
import { Modal } from "../ui/modal.ts";
import { PanelState } from "../ui/panel-state.ts";
import { DeadLettersView } from "./dead-letters-view.ts";
import { HealthMemory } from "./health-memory.ts";
import { LedgerView } from "./ledger-view.ts";

import { StackView } from "./stack-view.ts";

export class Operations implements Panel {
  readonly #modal: Modal;
  readonly #state: PanelState;
  readonly #health = new HealthMemory();
  readonly #stack = new StackView();
  readonly #ledger = new LedgerView();
  readonly #deadLetters: DeadLettersView;
  readonly #poll: Poll;
  readonly #places: Readonly<Partial<Record<Section, HTMLElement>>>;
  /** The section that the dialog has moved to. */
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
    const { components, programs, tubes } = this.#stack;
    this.#places = { ledger: this.#ledger.element, "dead-letters": this.#deadLetters.element };
    place.append(components, programs, tubes, this.#deadLetters.element, this.#ledger.element);
    this.#state = new PanelState(place);
  }

  paint(view: View): void {
    const health = this.#health.latest(view);
    const section = view.dialog?.kind === "operations" ? view.dialog.section : undefined;
    this.#modal.paint(section !== undefined);
    this.#poll.setActive(section !== undefined);
    if (!section) {
      this.#section = undefined;
      return;
    }
    this.#state.paint(health.state);
    if (health.known) {
      this.#stack.paint(health.known, hasRole(view.session, "monitor"));
    }
    this.#ledger.paint(view);
    this.#deadLetters.paint({ ...view, health: health.known ?? view.health });
    const isLoaded = health.known !== undefined && (section !== "ledger" || this.#ledger.isLoaded);
    if (section !== this.#section && isLoaded) {
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
