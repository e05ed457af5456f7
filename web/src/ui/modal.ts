/** A modal dialog that the page's address opens and closes. */

export class Modal {
  readonly #element: HTMLDialogElement;
  #isOpen = false;

  /** `dismissed` is called when the user has closed the dialog. */
  constructor(element: HTMLDialogElement, dismissed: () => void) {
    this.#element = element;
    element.addEventListener("close", () => {
      if (this.#isOpen) {
        this.#isOpen = false;
        dismissed();
      }
    });
    // A click outside of a dialog lands on the dialog itself.
    element.addEventListener("click", ({ target }) => {
      if (target === element) {
        element.close();
      }
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Opens or closes the dialog. Call with every frame. */
  paint(isOpen: boolean): void {
    if (isOpen === this.#isOpen) {
      return;
    }
    this.#isOpen = isOpen;
    if (isOpen) {
      this.#element.showModal();
    } else {
      this.#element.close();
    }
  }
}
