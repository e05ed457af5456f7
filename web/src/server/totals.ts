/**
 * Sums by name, added to as trades come.
 *
 * What was given out is never changed: the first trade after that copies its sums, and the others, however many
 * come until they are asked for, are added in place.
 */

/** Still being added to. */
export type Open<Figures> = { -readonly [Name in keyof Figures]: Figures[Name] };

export class Sums<Key, Figures extends object> {
  readonly #given: Map<Key, Figures>;
  readonly #open = new Map<Key, Open<Figures>>();

  constructor(entries: Iterable<readonly [Key, Figures]>) {
    this.#given = new Map(entries);
  }

  /** The sums under a name, to be added to at once; `nothing` is what they begin with. */
  at(key: Key, nothing: () => Figures): Open<Figures> {
    const there = this.#open.get(key);
    if (there) {
      return there;
    }
    const open = { ...(this.#given.get(key) ?? nothing()) };
    this.#open.set(key, open);
    return open;
  }

  /** All of them, as they stand: others only where something was added. */
  give(): Figures[] {
    for (const [key, figures] of this.#open) {
      this.#given.set(key, figures);
    }
    this.#open.clear();
    return [...this.#given.values()];
  }
}
