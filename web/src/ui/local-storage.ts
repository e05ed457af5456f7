/**
 * What this browser keeps for us: a few short texts of the reader's taste, never anything that was traded.
 *
 * Where it keeps nothing (private windows, blocked storage), a choice lasts as long as the page.
 */

const PREFIX = "tradewire.";

export function remembered(key: string): string | undefined {
  try {
    return localStorage.getItem(PREFIX + key) ?? undefined;
  } catch {
    return undefined;
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + key, value);
  } catch {
    // See above.
  }
}

/** Shows in a `<select>` what was chosen last, and keeps what is chosen; its id is the key. Applies both. */
export function rememberChoice(select: HTMLSelectElement, apply: (value: string) => void): void {
  const before = remembered(select.id);
  if ([...select.options].some(({ value }) => value === before)) {
    select.value = before ?? select.value;
  }
  select.addEventListener("change", () => {
    remember(select.id, select.value);
    apply(select.value);
  });
  apply(select.value);
}
