/**
 * The ids lately seen: an update may arrive twice, and must be shown and counted once.
 *
 * Two generations bound the memory. When the young one is full it becomes the old one, and the old one is emptied to
 * be the young one: so at least the last `generation` ids are known. Each is kept as its 128 bits, in tables that are
 * made once: after a week they are as large as in the first minute, and there is nothing to collect.
 */

/**
 * After a gap the archive tells once more what came in the last seconds before it (coverage.ts), 150,000 at 30,000 a
 * second; and as many may be new until the gap is filled (fill.ts).
 */
const GENERATION = 300_000;

export class Seen {
  readonly #generation: number;
  #young: Table;
  #old: Table;

  constructor(generation = GENERATION) {
    this.#generation = generation;
    this.#young = new Table(generation);
    this.#old = new Table(generation);
  }

  /** True the first time that this id, a UUID in small letters, comes. */
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

  get size(): number {
    return this.#young.size + this.#old.size;
  }
}

const WORDS = 4;
/** 2³² divided by the golden ratio: what is multiplied by it lies far from its neighbours. */
const SCATTER = 0x9e_37_79_b1;
/** Where the digits of a UUID's four words begin, two groups of four for each. */
const GROUPS = [0, 4, 9, 14, 19, 24, 28, 32] as const;

/** The id that is looked for: one place for all, so that millions of them leave no garbage. */
const wanted = new Uint32Array(WORDS);

function read(id: string): void {
  for (let word = 0; word < WORDS; word += 1) {
    wanted[word] = digits(id, GROUPS[2 * word] ?? 0) * 0x1_00_00 + digits(id, GROUPS[2 * word + 1] ?? 0);
  }
}

/** Four hexadecimal digits. */
function digits(id: string, from: number): number {
  let value = 0;
  for (let place = from; place < from + 4; place += 1) {
    const code = id.charCodeAt(place);
    value = value * 16 + (code < 58 ? code - 48 : code - 87);
  }
  return value;
}

/** The ids of one generation: an open hash table, where an id lies at its place or behind it. */
class Table {
  size = 0;
  readonly #words: Uint32Array;
  readonly #places: number;

  constructor(capacity: number) {
    // At least a third stays empty, so that one soon comes to an end.
    this.#places = Math.ceil(capacity * 1.5);
    this.#words = new Uint32Array(WORDS * this.#places);
  }

  has(): boolean {
    return !this.#isEmpty(this.#place());
  }

  add(): void {
    this.#words.set(wanted, this.#place());
    this.size += 1;
  }

  clear(): void {
    this.#words.fill(0);
    this.size = 0;
  }

  /** Where the wanted id lies, or is to be put: ids that were counted up are scattered like those that are random. */
  #place(): number {
    const [first = 0, second = 0, third = 0, fourth = 0] = wanted;
    let place = Math.abs(Math.imul(first + second + third + fourth, SCATTER)) % this.#places;
    while (!(this.#isEmpty(place * WORDS) || this.#isWanted(place * WORDS))) {
      place = (place + 1) % this.#places;
    }
    return place * WORDS;
  }

  /** No message has the id that is all zeros. */
  #isEmpty(at: number): boolean {
    const words = this.#words;
    return words[at] === 0 && words[at + 1] === 0 && words[at + 2] === 0 && words[at + 3] === 0;
  }

  #isWanted(at: number): boolean {
    const words = this.#words;
    return (
      words[at] === wanted[0] &&
      words[at + 1] === wanted[1] &&
      words[at + 2] === wanted[2] &&
      words[at + 3] === wanted[3]
    );
  }
}
