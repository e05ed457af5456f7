/** The scale of rates: without outliers, so that one wild rate does not flatten the others. */

export interface Scale {
  readonly min: number;
  readonly max: number;
}

/** Values farther than this many times the usual spread from the usual values are outliers. */
const REACH = 4;
/** Fewer values say little about the usual range. */
const VALUES_MIN = 8;

/** Returns the range of the values without outliers. Undefined if there are no values. */
export function usualRange(values: readonly (number | null)[]): Scale | undefined {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (min === undefined || max === undefined) {
    return;
  }
  const [low, high] = [quantile(sorted, 0.1), quantile(sorted, 0.9)];
  if (sorted.length < VALUES_MIN || low === high) {
    return { min, max };
  }
  const reach = REACH * (high - low);
  const usual = sorted.filter((value) => value >= low - reach && value <= high + reach);
  return { min: usual[0] ?? min, max: usual.at(-1) ?? max };
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.round(share * (sorted.length - 1))] ?? 0;
}
