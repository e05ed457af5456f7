/** One dead letter: tube, id, time, reason, message and actions. Deleting asks for confirmation. */

import { tradePath } from "../filters/dialog.ts";
import { element, setText } from "../ui/dom.ts";
import type { Zone } from "../ui/preferences.ts";
import { dateAndClock, zoneName } from "../ui/time-format.ts";
import type { DeadLetter } from "./dead-letter.ts";
import type { DeadLetterClient } from "./dead-letters.ts";

export class DeadLetterItem {
  readonly element = element("li", "dead-letter");
  readonly #letter: DeadLetter;
  readonly #time = element("span", "timestamp");
  readonly #actions = element("div", "actions");
  readonly #confirmation = element("div", "actions");
  readonly #delete: HTMLButtonElement;
  readonly #keep: HTMLButtonElement;

  constructor(letter: DeadLetter, client: DeadLetterClient) {
    this.#letter = letter;
    const name = `${letter.id} of ${letter.tube}`;
    this.#delete = action("Delete…", `Delete ${name}`, "delete", () => this.#confirm(true));
    this.#keep = action("Keep", `Keep ${name}`, "keep", () => this.#confirm(false));
    this.#actions.append(
      action("Requeue", `Requeue ${name}`, "requeue", () => client.requeue(letter)),
      this.#delete,
    );
    const question = element("span", "question");
    question.textContent = "Delete permanently?";
    this.#confirmation.append(
      question,
      action("Delete", `Delete ${name} permanently`, "delete-confirm", () => client.discard(letter)),
      this.#keep,
    );
    this.#confirmation.hidden = true;
    this.element.dataset["testid"] = "dead-letter";
    this.element.dataset["key"] = letter.key;
    this.element.append(this.#header(), ...tradeLinks(letter), ...reasons(letter), this.#body(name));
  }

  paint(zone: Zone, isBusy: boolean): void {
    const { deadLetteredMs } = this.#letter;
    const time =
      deadLetteredMs === undefined
        ? "time unknown"
        : `${dateAndClock(deadLetteredMs, zone)} ${zoneName(zone)}`;
    setText(this.#time, time);
    this.element.ariaBusy = String(isBusy);
    for (const button of this.element.querySelectorAll("button")) {
      // Not `disabled`, which would take the focus away from the pressed button.
      button.ariaDisabled = String(isBusy);
    }
  }

  #header(): HTMLElement {
    const header = element("div", "dead-letter-header");
    const tube = element("span", "tube");
    tube.textContent = `${this.#letter.tube} ${this.#letter.id}`;
    header.append(tube, this.#time, this.#actions, this.#confirmation);
    return header;
  }

  #body(name: string): HTMLElement {
    const details = element("details", "");
    const summary = element("summary", "");
    summary.textContent = "Message";
    summary.ariaLabel = `Message of ${name}`;
    const text = element("pre", "");
    text.textContent = this.#letter.body;
    text.tabIndex = 0;
    text.role = "group";
    text.ariaLabel = `Body of ${name}`;
    details.append(summary, text);
    return details;
  }

  #confirm(isShown: boolean): void {
    this.#actions.hidden = isShown;
    this.#confirmation.hidden = !isShown;
    (isShown ? this.#keep : this.#delete).focus();
  }
}

/** A link to the trade, if it has an id. */
function tradeLinks({ tradeId }: DeadLetter): readonly HTMLElement[] {
  if (tradeId === undefined) {
    return [];
  }
  const line = element("p", "");
  const link = element("a", "");
  link.href = tradePath(tradeId);
  link.textContent = `Trade ${tradeId}`;
  line.append(link);
  return [line];
}

/** The reason, and the earlier one of a dead letter that came back. */
function reasons({ reason, requeued, earlierReason }: DeadLetter): readonly HTMLElement[] {
  const times = requeued === 1 ? "once" : `${requeued} times`;
  const earlier = requeued === 0 ? [] : [`Requeued ${times} before. Its earlier reason: ${earlierReason}`];
  return [reason, ...earlier].map((text) => {
    const made = element("p", "reason");
    made.textContent = text;
    return made;
  });
}

export function action(text: string, label: string, testId: string, run: () => void): HTMLButtonElement {
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
