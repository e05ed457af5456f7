/**
 * Light or dark: as the system has it, unless the reader chose otherwise.
 *
 * The style sheet names every colour twice, with light-dark(); `<meta name="color-scheme">` decides which holds.
 */

import { byId } from "./dom.ts";

const KEY = "tradewire.theme";
const SCHEMES: Readonly<Record<string, string>> = { system: "light dark", light: "light", dark: "dark" };

export function followTheme(): void {
  const meta = document.querySelector<HTMLMetaElement>('meta[name="color-scheme"]');
  const select = byId("theme", HTMLSelectElement);
  const apply = (theme: string): void => {
    select.value = theme in SCHEMES ? theme : "system";
    meta?.setAttribute("content", SCHEMES[select.value] ?? "light dark");
  };
  select.addEventListener("change", () => {
    apply(select.value);
    remember(select.value);
  });
  apply(remembered());
}

// Where the browser keeps nothing for us (private windows, blocked storage), the choice lasts as long as the page.

function remembered(): string {
  try {
    return localStorage.getItem(KEY) ?? "system";
  } catch {
    return "system";
  }
}

function remember(theme: string): void {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // See above.
  }
}
