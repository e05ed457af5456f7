/** What flags mean, in words; a flag that is newer than this page speaks for itself. */

const WORDS: Readonly<Record<string, string>> = { "rate-mismatch": "Rate mismatch" };
const REASONS: Readonly<Record<string, string>> = {
  "rate-mismatch": "Amount sold × rate differs from the amount bought by more than rounding explains",
};

export function flagWords(flag: string): string {
  return WORDS[flag] ?? flag;
}

export function flagReason(flag: string): string {
  return REASONS[flag] ?? flag;
}
