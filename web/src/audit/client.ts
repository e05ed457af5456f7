/** The client of `GET /api/audit`: loads the newest records, older ones, and follows those that come. */

import type { AuditFilters } from "../filters/audit.ts";
import { AUDIT_NAMES } from "../filters/audit.ts";
import { type Range, sameRange, spanOf, writeSpan } from "../filters/range.ts";
import type { Fetch } from "../server/fetch.ts";
import { type Answer, request } from "../server/request.ts";
import type { AuditPage, AuditRecord, Chain } from "./record.ts";
import { parsePage } from "./record.ts";

const PATH = "/api/audit";
const PAGE_RECORDS = 100;
/** A page of the server searches a part of the trail, and may find little. So many are asked for at once. */
const PAGES_MAX = 5;
const FORBIDDEN = 403;
const INVALID = "The server’s answer is invalid.";

/** Replaced when something changes, never changed in place. */
export interface AuditState {
  readonly phase: "loading" | "ready";
  /** Newest first. */
  readonly records: readonly AuditRecord[];
  /** Undefined before the first answer. */
  readonly chain: Chain | undefined;
  /** Whether the trail has older records. */
  readonly hasOlder: boolean;
  readonly isLoadingOlder: boolean;
  /** The time back to which the trail was searched, in milliseconds since 1970. */
  readonly reachedMs: number | undefined;
  /** Why the last request failed, or an empty string. */
  readonly error: string;
  /** When the server answered last, in milliseconds since 1970. */
  readonly answeredMs: number;
}

const LOADING: AuditState = {
  phase: "loading",
  records: [],
  chain: undefined,
  hasOlder: false,
  isLoadingOlder: false,
  reachedMs: undefined,
  error: "",
  answeredMs: 0,
};

export class AuditClient {
  readonly #fetch: Fetch;
  readonly #now: () => number;
  readonly #changed: () => void;
  #latest = LOADING;
  #filters: AuditFilters | undefined;
  #range: Range | undefined;
  /** The filters and the bounds of the range, as the API takes them. */
  #query = new URLSearchParams();
  #next: string | undefined;
  /** The records up to this number were searched. */
  #newest = 0;
  /** Counts the starts, so that an answer for another query is dropped. */
  #revision = 0;

  /** `now` is the server's clock, `changed` is called for every change. */
  constructor(fetch: Fetch, now: () => number, changed: () => void) {
    this.#fetch = fetch;
    this.#now = now;
    this.#changed = changed;
  }

  get latest(): AuditState {
    return this.#latest;
  }

  /** Starts anew if the filters or the range are others. Call with every frame. */
  follow(filters: AuditFilters, range: Range): void {
    const isSame =
      this.#filters !== undefined &&
      this.#range !== undefined &&
      AUDIT_NAMES.every((name) => filters[name] === this.#filters?.[name]) &&
      sameRange(range, this.#range);
    if (isSame) {
      return;
    }
    const isFirst = this.#filters === undefined;
    this.#filters = filters;
    this.#range = range;
    this.#restart();
    // Polling asks for the first ones.
    if (!isFirst) {
      this.refresh();
    }
  }

  /** Loads the newest records, or those that came since. */
  async refresh(): Promise<void> {
    if (this.#latest.phase === "loading") {
      await this.#load();
    } else {
      await this.#loadNewer();
    }
  }

  /** Loads older records. Of a long trail it searches a part. */
  async loadOlder(): Promise<void> {
    if (this.#latest.isLoadingOlder || !this.#latest.hasOlder) {
      return;
    }
    this.#set({ isLoadingOlder: true });
    await this.#search();
  }

  async #load(): Promise<void> {
    await this.#search();
  }

  /** Asks for pages until some records are found. */
  async #search(): Promise<void> {
    const revision = this.#revision;
    const found: AuditRecord[] = [];
    for (let pages = 0; pages < PAGES_MAX && found.length < PAGE_RECORDS / 2; pages += 1) {
      const cursor: Readonly<Record<string, string>> = this.#next === undefined ? {} : { cursor: this.#next };
      // biome-ignore lint/performance/noAwaitInLoops: each page has the cursor of the next one
      const page = await this.#ask({ limit: String(PAGE_RECORDS), ...cursor }, revision);
      if (!page) {
        break;
      }
      found.push(...page.records);
      if (this.#latest.phase === "loading" && pages === 0) {
        this.#newest = Math.max(page.chain.count, page.records[0]?.n ?? 0);
      }
      this.#next = page.next;
      this.#set({
        phase: "ready",
        chain: page.chain,
        records: [...this.#latest.records, ...page.records],
        hasOlder: page.next !== undefined,
        reachedMs: page.reachedMs ?? this.#latest.reachedMs,
      });
      if (page.next === undefined) {
        break;
      }
    }
    if (revision === this.#revision) {
      this.#set({ isLoadingOlder: false });
    }
  }

  async #loadNewer(): Promise<void> {
    const page = await this.#ask({ limit: "1000", after: String(this.#newest) }, this.#revision);
    if (!page) {
      return;
    }
    if (page.next !== undefined || page.chain.count < this.#newest) {
      // Too many came at once, or the trail is another one.
      this.#restart();
      await this.#load();
      return;
    }
    this.#newest = Math.max(page.chain.count, page.records[0]?.n ?? 0);
    this.#set({ chain: page.chain, records: [...page.records, ...this.#latest.records] });
  }

  /** Returns a page. Undefined without an answer, or if the query has changed meanwhile. */
  async #ask(parameters: Readonly<Record<string, string>>, revision: number): Promise<AuditPage | undefined> {
    const query = new URLSearchParams([...this.#query, ...Object.entries(parameters)]);
    const answer = await request(this.#fetch, `${PATH}?${query}`);
    if (revision !== this.#revision) {
      return;
    }
    const page = answer.kind === "ok" ? parsePage(answer.body) : undefined;
    this.#set(page ? { error: "", answeredMs: this.#now() } : { error: reason(answer) });
    return page;
  }

  #restart(): void {
    const { filters, query } = { filters: this.#filters, query: new URLSearchParams() };
    for (const name of AUDIT_NAMES) {
      if (filters && filters[name] !== "") {
        query.set(name, filters[name]);
      }
    }
    if (this.#range) {
      writeSpan(spanOf(this.#range, this.#now()), query);
    }
    this.#query = query;
    this.#next = undefined;
    this.#revision += 1;
    this.#latest = { ...LOADING, chain: this.#latest.chain };
    this.#changed();
  }

  #set(changes: Partial<AuditState>): void {
    this.#latest = { ...this.#latest, ...changes };
    this.#changed();
  }
}

function reason(answer: Answer): string {
  if (answer.kind === "ok") {
    return INVALID;
  }
  return answer.status === FORBIDDEN
    ? "The audit trail needs the role admin."
    : answer.detail || answer.message;
}
