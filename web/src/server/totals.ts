/**
 * Totals by key that grow with each trade.
 *
 * Published entries are never changed. The first change after a publication copies the entry; later changes
 * update the copy in place.
 */

/** An entry that is still being changed. */
export type Mutable<Entry> = { -readonly [Name in keyof Entry]: Entry[Name] };

export class Totals<Key, Entry extends object> {
  readonly #published: Map<Key, Entry>;
  readonly #changed = new Map<Key, Mutable<Entry>>();

  constructor(entries: Iterable<readonly [Key, Entry]>) {
    this.#published = new Map(entries);
  }

  /** Returns the entry of a key, to be changed at once; `initial` creates a missing one. */
  mutable(key: Key, initial: () => Entry): Mutable<Entry> {
    const existing = this.#changed.get(key);
    if (existing) {
      return existing;
    }
    const changed = { ...(this.#published.get(key) ?? initial()) };
    this.#changed.set(key, changed);
    return changed;
  }

  /** Returns all entries. Entries that have not changed are the same objects as before. */
  publish(): Entry[] {
    for (const [key, entry] of this.#changed) {
      this.#published.set(key, entry);
    }
    this.#changed.clear();
    return [...this.#published.values()];
  }
}
