/** Where trades come from: on the map, or the same as a table. */

import { matches } from "../filters/filters.ts";
import type { Page, Panel, View } from "../page.ts";
import type { Update } from "../trade/event.ts";
import { byId, element, setText } from "../ui/dom.ts";
import { countryNames } from "../ui/format.ts";
import { remember, remembered } from "../ui/local-storage.ts";
import { type Actions, Chart } from "./chart.ts";
import type { Size } from "./geometry.ts";
import { remark, Words } from "./labels.ts";
import { setAttribute } from "./svg.ts";
import { CountryTable } from "./table.ts";

const KEY = "map";
const WAYS = ["map", "table"] as const;

type Way = (typeof WAYS)[number];

const WAY_WORDS: Readonly<Record<Way, string>> = { map: "Map", table: "Table" };
/** A browser that failed to load a script once doesn't ask for it again. */
const NO_MAP = "The map could not be loaded; reload the page to try again.";
const NO_ROOM: Size = { width: 0, height: 0 };

export class WorldMap implements Panel {
  readonly #page: Page;
  readonly #actions: Actions;
  readonly #frame = element("div", "frame");
  readonly #remark = element("p", "remark");
  readonly #table: CountryTable;
  readonly #switches = new Map<Way, HTMLButtonElement>();
  #way: Way = remembered(KEY) === "table" ? "table" : "map";
  #chart: Chart | undefined;
  #room = NO_ROOM;
  /** The drawing of the world is fetched when it is first to be shown. */
  #atlas: "wanted" | "coming" | "here" | "failed" = "wanted";

  constructor(place: HTMLElement, page: Page) {
    this.#page = page;
    this.#actions = {
      nameOf: countryNames(),
      words: new Words(),
      choose: (country) => page.address.toggle({ country }),
      repaint: page.repaint,
    };
    this.#table = new CountryTable(this.#actions);
    place.append(this.#remark, this.#table.element, this.#frame);
    byId("map-tools", HTMLElement).append(this.#choice());
    new ResizeObserver(([entry]) => {
      this.#room = entry?.contentRect ?? NO_ROOM;
      page.repaint();
    }).observe(this.#frame);
    page.state.onFresh((updates) => this.#pulse(updates));
  }

  paint(view: View): void {
    const { countries } = view.statistics;
    const { country } = view.filters;
    const isMap = this.#way === "map" && this.#atlas !== "failed";
    this.#frame.hidden = !isMap;
    this.#table.element.hidden = isMap;
    setText(this.#remark, this.#atlas === "failed" && this.#way === "map" ? NO_MAP : remark(view));
    this.#remark.hidden = this.#remark.textContent === "";
    for (const [way, button] of this.#switches) {
      setAttribute(button, "aria-pressed", String(way === this.#way));
    }
    if (!isMap) {
      this.#table.paint(countries, country);
    } else if (this.#room.width > 0) {
      this.#load();
      this.#chart?.paint({ figures: countries, chosen: country, room: this.#room });
    }
  }

  async #load(): Promise<void> {
    if (this.#atlas !== "wanted") {
      return;
    }
    this.#atlas = "coming";
    try {
      const { drawWorld } = await import("./atlas.ts");
      this.#chart = new Chart(drawWorld(), this.#actions);
      this.#frame.append(this.#chart.element);
      this.#atlas = "here";
    } catch (error) {
      console.warn("Tradewire: no map:", error);
      this.#atlas = "failed";
    }
    this.#page.repaint();
  }

  #pulse(updates: readonly Update[]): void {
    const { state, address } = this.#page;
    if (this.#way !== "map" || this.#room.width === 0 || !state.visible) {
      return;
    }
    for (const update of updates) {
      // Of thousands that come at once, the first few fill the map.
      if (!this.#chart?.isOpenForPulses) {
        return;
      }
      if (matches(address.filters, update)) {
        this.#chart.pulse(update.originatingCountry);
      }
    }
  }

  #choice(): HTMLElement {
    const group = element("div", "choice");
    group.role = "group";
    group.ariaLabel = "Show countries as";
    for (const way of WAYS) {
      const button = element("button", "");
      button.type = "button";
      setText(button, WAY_WORDS[way]);
      button.addEventListener("click", () => this.#show(way));
      this.#switches.set(way, button);
      group.append(button);
    }
    return group;
  }

  #show(way: Way): void {
    this.#way = way;
    remember(KEY, way);
    this.#page.repaint();
  }
}
