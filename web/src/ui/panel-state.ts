/** What a panel shows in place of its content, or about it: loading, empty, failed or standing still. */

import { element, setText } from "./dom.ts";

export interface Shown {
  /** `ready` shows nothing. */
  readonly kind: string;
  readonly text: string;
}

export interface Action {
  readonly label: string;
  readonly run: () => void;
}

/** states.css draws each kind, by the panel's `data-state`. */
export class PanelState {
  readonly #panel: HTMLElement;
  readonly #element = element("div", "panel-state");
  readonly #text = element("p", "");
  readonly #button = element("button", "quiet");
  #action: Action | undefined;

  /** `place` is within the panel. */
  constructor(place: HTMLElement) {
    this.#panel = place.closest<HTMLElement>(".panel") ?? place;
    this.#text.role = "status";
    this.#button.type = "button";
    this.#button.addEventListener("click", () => this.#action?.run());
    this.#element.append(this.#text, this.#button);
    this.#panel.append(this.#element);
  }

  paint({ kind, text }: Shown, action?: Action): void {
    this.#action = action;
    if (this.#panel.dataset["state"] !== kind) {
      this.#panel.dataset["state"] = kind;
    }
    this.#element.hidden = kind === "ready";
    setText(this.#text, text);
    setText(this.#button, action?.label ?? "");
    this.#button.hidden = !action;
  }
}
