/** One of a few: buttons beside each other, of which one is pressed. */

import { element } from "./dom.ts";

export class Choice<Value extends string> {
  readonly element = element("div", "choice");
  readonly #buttons: ReadonlyMap<Value, HTMLButtonElement>;
  #shown: Value | undefined;

  /** `label` says what is chosen; `words` are what the buttons say, in order; `chosen` is told of a click. */
  constructor(label: string, words: Readonly<Record<Value, string>>, chosen: (value: Value) => void) {
    this.element.role = "group";
    this.element.ariaLabel = label;
    const values = Object.keys(words) as Value[];
    this.#buttons = new Map(values.map((value) => [value, button(words[value], () => chosen(value))]));
    this.element.append(...this.#buttons.values());
  }

  show(value: Value): void {
    if (value === this.#shown) {
      return;
    }
    this.#shown = value;
    for (const [each, target] of this.#buttons) {
      target.ariaPressed = String(each === value);
    }
  }
}

function button(words: string, click: () => void): HTMLButtonElement {
  const made = element("button", "");
  made.type = "button";
  made.textContent = words;
  made.addEventListener("click", click);
  return made;
}
