/** Which columns of optional fields have values. The others would be empty, and take room from the rest. */

import type { TradeEvent } from "../trade/event.ts";
import { LABELLED } from "./labelled.ts";
import type { ColumnName } from "./layout.ts";

export class UsedColumns {
  /** Columns for which no listed trade has had a value. */
  readonly unused = new Set<ColumnName>(
    LABELLED.filter(({ isOptional }) => isOptional).map(({ name }) => `field-${name}` as const),
  );

  /** Looks at listed trades. Returns whether a column has its first value. It keeps its place from then on. */
  look(trades: readonly (TradeEvent | undefined)[]): boolean {
    const before = this.unused.size;
    for (const { name } of LABELLED) {
      const column = `field-${name}` as const;
      if (this.unused.has(column) && trades.some((trade) => (trade?.[name] ?? "") !== "")) {
        this.unused.delete(column);
      }
    }
    return this.unused.size < before;
  }
}
