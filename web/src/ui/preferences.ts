/** The user's preferences: theme and time zone. Kept by this browser, not part of a link. */

import { byId } from "./dom.ts";
import { persistSelect } from "./local-storage.ts";
import { followTheme } from "./theme.ts";

export type Zone = "utc" | "local";

export class Preferences {
  zone: Zone = "utc";

  readonly #listeners: (() => void)[] = [];

  /** `changed` is called for each choice, also for the restored ones. */
  constructor(changed: () => void) {
    followTheme(changed);
    persistSelect(byId("zone", HTMLSelectElement), (zone) => {
      this.zone = zone === "local" ? "local" : "utc";
      changed();
      for (const listener of this.#listeners) {
        listener();
      }
    });
  }

  /** Registers a callback for later choices of another time zone. */
  onZone(listener: () => void): void {
    this.#listeners.push(listener);
  }
}
