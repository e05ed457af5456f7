/** The form for the operator token, and a button to forget it. */

import { tokenCommand } from "../server/control.ts";
import { element, setText } from "../ui/dom.ts";
import type { DeadLettersState } from "./dead-letters.ts";

export class TokenForm {
  readonly element = element("div", "token");
  readonly #form = element("form", "");
  readonly #input = element("input", "");
  readonly #submit = element("button", "action");
  readonly #unlocked = element("p", "");
  readonly #command = element("code", "");
  #phase: DeadLettersState["phase"] = "locked";

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
    lock.addEventListener("click", forget);
    this.#unlocked.append("Signed in as operator until this page is closed. ", lock);
    this.#unlocked.hidden = true;
    this.element.append(this.#form, this.#unlocked);
  }

  paint(phase: DeadLettersState["phase"], home: string): void {
    setText(this.#command, tokenCommand(home));
    if (phase === this.#phase) {
      return;
    }
    const hadFocus = this.element.contains(document.activeElement);
    this.#phase = phase;
    this.#form.hidden = phase === "unlocked";
    this.#unlocked.hidden = phase !== "unlocked";
    this.#submit.disabled = phase === "unlocking";
    this.#submit.textContent = phase === "unlocking" ? "Loading…" : "Show dead letters";
    if (hadFocus) {
      (phase === "unlocked" ? this.#unlocked.querySelector("button") : this.#input)?.focus();
    }
  }

  #fields(): readonly HTMLElement[] {
    const label = element("label", "");
    label.htmlFor = "operator-token";
    label.textContent = "Operator token";
    this.#input.id = "operator-token";
    this.#input.type = "password";
    this.#input.required = true;
    this.#input.autocomplete = "off";
    this.#input.spellcheck = false;
    this.#input.dataset["testid"] = "token";
    const hint = element("p", "hint");
    hint.id = "operator-token-hint";
    hint.append(
      "On the server, in the project’s folder: ",
      this.#command,
      ". The token is kept only by this page, until it is closed.",
    );
    this.#input.setAttribute("aria-describedby", hint.id);
    this.#submit.type = "submit";
    this.#submit.textContent = "Show dead letters";
    return [label, this.#input, this.#submit, hint];
  }
}
