/**
 * Light or dark theme, as the system has it unless the user chooses.
 *
 * The style sheet defines every colour twice, with light-dark(). `<meta name="color-scheme">` decides which
 * one applies.
 */

import { byId } from "./dom.ts";
import { persistSelect } from "./local-storage.ts";

const SCHEMES: Readonly<Record<string, string>> = { system: "light dark", light: "light", dark: "dark" };
const listeners: (() => void)[] = [];

/** Registers a callback for colour changes. A canvas does not follow them by itself. */
export function onTheme(listener: () => void): void {
  listeners.push(listener);
}

/** Applies the theme now and on each change, then calls `changed`. */
export function followTheme(changed: () => void = () => undefined): void {
  const meta = document.querySelector<HTMLMetaElement>('meta[name="color-scheme"]');
  const notify = (): void => {
    changed();
    for (const listener of listeners) {
      listener();
    }
  };
  persistSelect(byId("theme", HTMLSelectElement), (theme) => {
    meta?.setAttribute("content", SCHEMES[theme] ?? "light dark");
    notify();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", notify);
}
