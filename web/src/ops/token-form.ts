/** Where an operator says the token; and once it is taken, a way to have it forgotten. */

import { element } from "../ui/dom.ts";
import type { Burials } from "./dead-letters.ts";

export class TokenForm {
  readonly element = element("div", "token");
  readonly #form = element("form", "");
  readonly #input = element("input", "");
  readonly #submit = element("button", "action");
  readonly #open = element("p", "");
  #phase: Burials["phase"] = "locked";

  constructor(submit: (token: string) => void, forget: () => void) {
    this.#form.append(...this.#fields());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      submit(this.#input.value.trim());
      this.#input.value = "";
    });
    const lock = element("button", "action");
    lock.type = "button";
    lock.textContent = "Forget the token";
    lock.addEventListener("click", () => {
      forget();
    });
    this.#open.append("Signed in as operator, until this page is closed. ", lock);
    this.#open.hidden = true;
    this.element.append(this.#form, this.#open);
  }

  paint(phase: Burials["phase"]): void {
    if (phase === this.#phase) {
      return;
    }
    const hadFocus = this.element.contains(document.activeElement);
    this.#phase = phase;
    this.#form.hidden = phase === "open";
    this.#open.hidden = phase !== "open";
    this.#submit.disabled = phase === "opening";
    this.#submit.textContent = phase === "opening" ? "Asking…" : "Show what is buried";
    if (hadFocus) {
      (phase === "open" ? this.#open.querySelector("button") : this.#input)?.focus();
    }
  }

  #fields(): readonly HTMLElement[] {
    const label = element("label", "");
    label.htmlFor = "operator-token";
    label.textContent = "Operator’s token";
    this.#input.id = "operator-token";
    this.#input.type = "password";
    this.#input.required = true;
    this.#input.autocomplete = "off";
    this.#input.spellcheck = false;
    this.#input.dataset["testid"] = "token";
    const hint = element("p", "hint");
    hint.id = "operator-token-hint";
    const command = element("code", "");
    command.textContent = "cat var/operator-token";
    hint.append(
      "On the server, in the stack’s folder: ",
      command,
      ". It is kept by this page only, until it is closed.",
    );
    this.#input.setAttribute("aria-describedby", hint.id);
    this.#submit.type = "submit";
    this.#submit.textContent = "Show what is buried";
    return [label, this.#input, this.#submit, hint];
  }
}
