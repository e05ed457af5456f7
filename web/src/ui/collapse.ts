/** Remembers which panels are collapsed. */

import { loadSetting, saveSetting } from "./local-storage.ts";

const KEY = "collapsed";

export function persistCollapsed(): void {
  const panels = [...document.querySelectorAll<HTMLDetailsElement>(".panel > details")];
  const name = (panel: HTMLDetailsElement): string => panel.parentElement?.dataset["testid"] ?? "";
  const collapsed = (loadSetting(KEY) ?? "").split(" ");
  for (const panel of panels) {
    panel.open = !collapsed.includes(name(panel));
    panel.addEventListener("toggle", () => {
      saveSetting(
        KEY,
        panels
          .filter(({ open }) => !open)
          .map(name)
          .join(" "),
      );
    });
  }
}
