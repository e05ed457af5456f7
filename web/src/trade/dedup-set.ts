/**
 * A bounded set of recent ids. A trade may arrive twice, and must be shown and counted once.
 *
 * Memory is bounded by two generations. When the young one is full, it becomes the old one, and the old one
 * is cleared and becomes the young one, so at least the last `generation` ids are known. Ids are stored as
 * 128 bits in tables that are allocated once, so memory use stays constant.
 */

/**
 * After a gap the archive returns again what arrived in the last 5 s before it (gap-start.ts): 150,000 trades
 * at 30,000 a second. Up to 150,000 more may be new before the gap is filled (gap-fill.ts).
 */
const GENERATION = 300_000;

export class DedupSet {
  readonly #generation: number;
  #young: IdTable;
  #old: IdTable;

  constructor(generation = GENERATION) {
    this.#generation = generation;
    this.#young = new IdTable(generation);
    this.#old = new IdTable(generation);
  }

  /** Adds a lower-case UUID. Returns true if it was not in the set. */
  add(id: string): boolean {
    read(id);
    if (this.#young.has() || this.#old.has()) {
      return false;
    }
    if (this.#young.size >= this.#generation) {
      [this.#young, this.#old] = [this.#old, this.#young];
      this.#young.clear();
    }
    this.#young.add();
    return true;
  }

  has(id: string): boolean {
    read(id);
    return this.#young.has() || this.#old.has();
  }
}

const WORDS_PER_ID = 4;
/** 2³² divided by the golden ratio. Multiplying by it spreads consecutive values far apart. */
const HASH_MULTIPLIER = 0x9e_37_79_b1;

/** The id to look up. One shared buffer, so that millions of lookups leave little garbage. */
const current = new Uint32Array(WORDS_PER_ID);

/** Reads the 32 digits of a UUID, which has dashes between them. */
function read(id: string): void {
  current[0] = Number.parseInt(id.slice(0, 8), 16);
  current[1] = Number.parseInt(id.slice(9, 13) + id.slice(14, 18), 16);
  current[2] = Number.parseInt(id.slice(19, 23) + id.slice(24, 28), 16);
  current[3] = Number.parseInt(id.slice(28), 16);
}

/** The ids of one generation: a hash table with open addressing. */
class IdTable {
  size = 0;
  readonly #words: Uint32Array;
  readonly #slots: number;

  constructor(capacity: number) {
    // A third of the slots stays empty, so that probes stay short.
    this.#slots = Math.ceil(capacity * 1.5);
    this.#words = new Uint32Array(WORDS_PER_ID * this.#slots);
  }

  has(): boolean {
    return !this.#isEmpty(this.#slot());
  }

  add(): void {
    this.#words.set(current, this.#slot());
    this.size += 1;
  }

  clear(): void {
    this.#words.fill(0);
    this.size = 0;
  }

  /**
   * Returns the slot of the current id, or the free slot to store it in. The last word suffices as a hash: it
   * is random in an id of version 7, part of a digest in a keyed id, and differs in counted-up ids.
   */
  #slot(): number {
    const [, , , last = 0] = current;
    let slot = Math.abs(Math.imul(last, HASH_MULTIPLIER)) % this.#slots;
    while (!(this.#isEmpty(slot * WORDS_PER_ID) || this.#isMatch(slot * WORDS_PER_ID))) {
      slot = (slot + 1) % this.#slots;
    }
    return slot * WORDS_PER_ID;
  }

  /** The second word holds the id's version, which is never 0. */
  #isEmpty(at: number): boolean {
    return this.#words[at + 1] === 0;
  }

  #isMatch(at: number): boolean {
    const words = this.#words;
    return (
      words[at] === current[0] &&
      words[at + 1] === current[1] &&
      words[at + 2] === current[2] &&
      words[at + 3] === current[3]
    );
  }
}
