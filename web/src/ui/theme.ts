/**
 * Light or dark: as the system has it, unless the reader chose otherwise.
 *
 * The style sheet names every colour twice, with light-dark(); `<meta name="color-scheme">` decides which holds.
 */

import { byId } from "./dom.ts";
import { rememberChoice } from "./local-storage.ts";

const SCHEMES: Readonly<Record<string, string>> = { system: "light dark", light: "light", dark: "dark" };
const listeners: (() => void)[] = [];

/** Calls back after each change of the colours: what is drawn on a canvas doesn't follow by itself. */
export function onTheme(listener: () => void): void {
  listeners.push(listener);
}

/** Applies the theme now and when it is chosen; `changed` is told afterwards. */
export function followTheme(changed: () => void = () => undefined): void {
  const meta = document.querySelector<HTMLMetaElement>('meta[name="color-scheme"]');
  const tell = (): void => {
    changed();
    for (const listener of listeners) {
      listener();
    }
  };
  rememberChoice(byId("theme", HTMLSelectElement), (theme) => {
    meta?.setAttribute("content", SCHEMES[theme] ?? "light dark");
    tell();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", tell);
}
