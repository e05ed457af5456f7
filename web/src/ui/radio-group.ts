/** A row of buttons, at most one of them pressed. It is one Tab stop; arrow keys move to the other buttons. */

import { element } from "./dom.ts";

const ARROWS: ReadonlyMap<string, number> = new Map([
  ["ArrowLeft", -1],
  ["ArrowUp", -1],
  ["ArrowRight", 1],
  ["ArrowDown", 1],
]);

export class RadioGroup<Value extends string> {
  readonly element = element("div", "radio-group");
  readonly #buttons: ReadonlyMap<Value, HTMLButtonElement>;
  #selected: Value | undefined;

  /**
   * `label` names the group, `labels` are the texts of the buttons in order, `picked` is called on a click.
   */
  constructor(label: string, labels: Readonly<Record<Value, string>>, picked: (value: Value) => void) {
    this.element.role = "group";
    this.element.ariaLabel = label;
    const values = Object.keys(labels) as Value[];
    this.#buttons = new Map(values.map((value) => [value, button(labels[value], () => picked(value))]));
    this.element.append(...this.#buttons.values());
    this.#setTabStop(this.#list[0]);
    this.element.addEventListener("keydown", (event) => this.#onKeydown(event));
  }

  /** Presses the button of a value, and no other. Undefined presses none. */
  select(value: Value | undefined): void {
    if (value === this.#selected) {
      return;
    }
    this.#selected = value;
    for (const [each, target] of this.#buttons) {
      target.ariaPressed = String(each === value);
    }
    this.#setTabStop(value === undefined ? this.#list[0] : this.#buttons.get(value));
  }

  get #list(): readonly HTMLButtonElement[] {
    return [...this.#buttons.values()];
  }

  #onKeydown(event: KeyboardEvent): void {
    const step = ARROWS.get(event.key);
    const index = this.#list.indexOf(event.target as HTMLButtonElement);
    const next = step === undefined ? undefined : this.#list[index + step];
    if (next) {
      event.preventDefault();
      this.#setTabStop(next);
      next.focus();
    }
  }

  #setTabStop(stop: HTMLButtonElement | undefined): void {
    for (const each of this.#list) {
      each.tabIndex = each === stop ? 0 : -1;
    }
  }
}

function button(label: string, click: () => void): HTMLButtonElement {
  const made = element("button", "");
  made.type = "button";
  made.textContent = label;
  made.addEventListener("click", click);
  return made;
}
