/** The currencies in which trades can be sorted by an amount. */

import type { Filters } from "../filters/filters.ts";
import type { PairStats } from "../server/stats.ts";

export interface Choice {
  /** Such as `EUR`, or `EUR→GBP`. */
  readonly label: string;
  /** What chooses it. */
  readonly filters: Partial<Pick<Filters, "from" | "to">>;
}

/** Returns the currencies of these pairs that the filters leave open, those with the most trades first. */
export function currencyChoices(
  missing: readonly ("from" | "to")[],
  filters: Filters,
  pairs: readonly PairStats[],
): readonly Choice[] {
  const counts = new Map<string, { readonly choice: Choice; count: number }>();
  for (const pair of pairs) {
    const fits = (["from", "to"] as const).every((side) => [pair[side], ""].includes(filters[side]));
    if (fits) {
      const label = missing.map((side) => pair[side]).join("→");
      const chosen = Object.fromEntries(missing.map((side) => [side, pair[side]]));
      const entry = counts.get(label) ?? { choice: { label, filters: chosen }, count: 0 };
      entry.count += pair.count;
      counts.set(label, entry);
    }
  }
  return [...counts.values()].sort((a, b) => b.count - a.count).map(({ choice }) => choice);
}
