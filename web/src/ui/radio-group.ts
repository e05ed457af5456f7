/** A row of buttons, at most one of them pressed. */

import { element } from "./dom.ts";

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
  }
}

function button(label: string, click: () => void): HTMLButtonElement {
  const made = element("button", "");
  made.type = "button";
  made.textContent = label;
  made.addEventListener("click", click);
  return made;
}
