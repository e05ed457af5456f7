/** Says what came of requeued dead letters: whether they are dead letters again, and why. */

import type { DeadLetter } from "./dead-letter.ts";

/** A processor takes a message, and rejects it, in less time than this many polls. */
const POLLS = 3;

export class RequeueWatch {
  readonly #letters: readonly DeadLetter[];
  #polls = 0;

  constructor(letters: readonly DeadLetter[]) {
    this.#letters = letters;
  }

  /** Returns what the current list tells; undefined if nothing yet, or nothing new. */
  result(list: readonly DeadLetter[]): string | undefined {
    this.#polls += 1;
    const failed = list.filter((letter) => this.#letters.some((before) => isAgain(letter, before)));
    const [first] = failed;
    if (first) {
      const reasons = new Set(failed.map(({ reason }) => reason));
      const which = this.#letters.length === 1 ? "" : `${failed.length} of ${this.#letters.length} `;
      return `Requeued: ${which}failed again: ${[...reasons].join(" ")}`;
    }
    if (this.#polls !== POLLS) {
      return;
    }
    return this.#letters.length === 1
      ? "Requeued: it has not failed again."
      : "Requeued: none has failed again.";
  }
}

function isAgain(letter: DeadLetter, before: DeadLetter): boolean {
  return letter.tube === before.tube && letter.body === before.body && letter.key !== before.key;
}
