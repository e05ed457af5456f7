/**
 * The ids lately seen: an update may arrive twice, and must be shown and counted once.
 *
 * Two generations bound the memory. When the young one is full it becomes the old one, and the old one goes: so
 * at least the last `generation` ids are known, and never more than twice as many are kept.
 */
export class Seen {
  readonly #generation: number;
  #young = new Set<string>();
  #old = new Set<string>();

  constructor(generation = 50_000) {
    this.#generation = generation;
  }

  /** True the first time that this id comes. */
  add(id: string): boolean {
    if (this.has(id)) {
      return false;
    }
    if (this.#young.size >= this.#generation) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    this.#young.add(id);
    return true;
  }

  has(id: string): boolean {
    return this.#young.has(id) || this.#old.has(id);
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }
}
