/** Panels that the reader has folded stay so. */

import { remember, remembered } from "./local-storage.ts";

const KEY = "folded";

export function rememberFolding(): void {
  const panels = [...document.querySelectorAll<HTMLDetailsElement>(".panel > details")];
  const name = (panel: HTMLDetailsElement): string => panel.parentElement?.dataset["testid"] ?? "";
  const folded = (remembered(KEY) ?? "").split(" ");
  for (const panel of panels) {
    panel.open = !folded.includes(name(panel));
    panel.addEventListener("toggle", () => {
      remember(
        KEY,
        panels
          .filter(({ open }) => !open)
          .map(name)
          .join(" "),
      );
    });
  }
}
