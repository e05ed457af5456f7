/** One that is buried: where, when, why, what it says, and what can be done. Deleting asks once more. */

import { element, setText } from "../ui/dom.ts";
import type { Zone } from "../ui/preferences.ts";
import { dateAndClock, zoneName } from "../ui/time-format.ts";
import type { Burial, Graveyard } from "./dead-letters.ts";

export class BurialItem {
  readonly element = element("li", "burial");
  readonly #burial: Burial;
  readonly #when = element("span", "when");
  readonly #actions = element("div", "actions");
  readonly #sure = element("div", "actions");
  readonly #delete: HTMLButtonElement;
  readonly #keep: HTMLButtonElement;

  constructor(burial: Burial, graveyard: Graveyard) {
    this.#burial = burial;
    const name = `${burial.id} of ${burial.tube}`;
    this.#delete = action("Delete…", `Delete ${name}`, "delete", () => this.#ask(true));
    this.#keep = action("Keep", `Keep ${name}`, "keep", () => this.#ask(false));
    this.#actions.append(
      action("Put back", `Put ${name} back`, "put-back", () => graveyard.putBack(burial)),
      this.#delete,
    );
    const question = element("span", "question");
    question.textContent = "Delete for good?";
    this.#sure.append(
      question,
      action("Delete", `Delete ${name} for good`, "delete-sure", () => graveyard.remove(burial)),
      this.#keep,
    );
    this.#sure.hidden = true;
    this.element.dataset["testid"] = "burial";
    this.element.dataset["key"] = burial.key;
    this.element.append(this.#head(), reason(burial), this.#body(name));
  }

  paint(zone: Zone, isBusy: boolean): void {
    const { buriedMs } = this.#burial;
    const when = buriedMs === undefined ? "by hand" : `${dateAndClock(buriedMs, zone)} ${zoneName(zone)}`;
    setText(this.#when, when);
    this.element.ariaBusy = String(isBusy);
    for (const button of this.element.querySelectorAll("button")) {
      // Not `disabled`, which would take the focus away from whoever pressed it.
      button.ariaDisabled = String(isBusy);
    }
  }

  #head(): HTMLElement {
    const head = element("div", "burial-head");
    const tube = element("span", "tube");
    tube.textContent = `${this.#burial.tube} ${this.#burial.id}`;
    head.append(tube, this.#when, this.#actions, this.#sure);
    return head;
  }

  #body(name: string): HTMLElement {
    const details = element("details", "");
    const summary = element("summary", "");
    summary.textContent = "Message";
    summary.ariaLabel = `Message of ${name}`;
    const text = element("pre", "");
    text.textContent = this.#burial.body;
    text.tabIndex = 0;
    text.role = "group";
    text.ariaLabel = `Body of ${name}`;
    details.append(summary, text);
    return details;
  }

  #ask(isAsking: boolean): void {
    this.#actions.hidden = isAsking;
    this.#sure.hidden = !isAsking;
    (isAsking ? this.#keep : this.#delete).focus();
  }
}

function reason(burial: Burial): HTMLElement {
  const made = element("p", "reason");
  made.textContent = burial.reason;
  return made;
}

function action(text: string, label: string, testId: string, run: () => void): HTMLButtonElement {
  const button = element("button", "action");
  button.type = "button";
  button.textContent = text;
  button.ariaLabel = label;
  button.dataset["testid"] = testId;
  button.addEventListener("click", () => {
    if (button.ariaDisabled !== "true") {
      run();
    }
  });
  return button;
}
