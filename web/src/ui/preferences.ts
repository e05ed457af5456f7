/** The reader's taste: theme, time zone, sound. Kept by this browser, and in no link. */

import { byId } from "./dom.ts";
import { rememberChoice } from "./local-storage.ts";
import { followTheme } from "./theme.ts";

export type Zone = "utc" | "local";

export class Preferences {
  zone: Zone = "utc";

  /** `changed` is called for each choice, what was chosen before among them. */
  constructor(changed: () => void) {
    followTheme(changed);
    rememberChoice(byId("zone", HTMLSelectElement), (zone) => {
      this.zone = zone === "local" ? "local" : "utc";
      changed();
    });
  }
}
