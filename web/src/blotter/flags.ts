/** Labels and explanations of flags. A flag unknown to this page is shown as it is. */

const LABELS: Readonly<Record<string, string>> = { "rate-mismatch": "Rate mismatch", rounded: "Rounded" };
const REASONS: Readonly<Record<string, string>> = {
  "rate-mismatch": "Amount sold × rate differs from the amount bought by more than a rounding error",
  rounded: "An amount or the rate had more than 12 digits after the point, and was rounded",
};

export function flagLabel(flag: string): string {
  return LABELS[flag] ?? flag;
}

export function flagReason(flag: string): string {
  return REASONS[flag] ?? flag;
}
