/**
 * The user's settings in the browser's local storage. Never holds trade data.
 *
 * If storage is unavailable (private windows, blocked storage), settings last until the page is closed.
 */

const PREFIX = "tradewire.";

export function loadSetting(key: string): string | undefined {
  try {
    return localStorage.getItem(PREFIX + key) ?? undefined;
  } catch {
    return undefined;
  }
}

export function saveSetting(key: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + key, value);
  } catch {
    // See the file's comment.
  }
}

/**
 * Restores a `<select>` from storage and saves its changes; its id is the key. Calls `apply` now and on each
 * change.
 */
export function persistSelect(select: HTMLSelectElement, apply: (value: string) => void): void {
  const saved = loadSetting(select.id);
  if ([...select.options].some(({ value }) => value === saved)) {
    select.value = saved ?? select.value;
  }
  select.addEventListener("change", () => {
    saveSetting(select.id, select.value);
    apply(select.value);
  });
  apply(select.value);
}
