/** The panel of trades by country, as a map or as a table. */

import { matches } from "../filters/filters.ts";
import { widening } from "../filters/widen.ts";
import type { Page, Panel, View } from "../page.ts";
import { figuresState } from "../server/figures-state.ts";
import type { TradeEvent } from "../trade/event.ts";
import { byId, element, setText } from "../ui/dom.ts";
import { countryNames } from "../ui/format.ts";
import { loadSetting, saveSetting } from "../ui/local-storage.ts";
import { PanelState } from "../ui/panel-state.ts";
import { RadioGroup } from "../ui/radio-group.ts";
import { type Actions, Chart } from "./chart.ts";
import type { Size } from "./geometry.ts";
import { Labels } from "./labels.ts";
import { CountryTable } from "./table.ts";

const KEY = "map";

type Mode = "map" | "table";

/** A browser does not retry a script import that has failed. */
const NO_MAP = "The map could not be loaded. Reload the page to try again.";
const NO_SIZE: Size = { width: 0, height: 0 };

export class WorldMap implements Panel {
  readonly #page: Page;
  readonly #actions: Actions;
  readonly #frame = element("div", "frame");
  readonly #remark = element("p", "remark");
  readonly #state: PanelState;
  readonly #table: CountryTable;
  readonly #modes: RadioGroup<Mode>;
  #mode: Mode = loadSetting(KEY) === "table" ? "table" : "map";
  #chart: Chart | undefined;
  #size = NO_SIZE;
  /** The map's shapes are loaded when they are first shown. */
  #atlas: "unloaded" | "loading" | "loaded" | "failed" = "unloaded";

  constructor(place: HTMLElement, page: Page) {
    this.#page = page;
    this.#actions = {
      nameOf: countryNames(),
      labels: new Labels(),
      select: (country) => page.address.toggleFilters({ country }),
      repaint: page.repaint,
    };
    this.#table = new CountryTable(this.#actions);
    place.append(this.#remark, this.#table.element, this.#frame);
    this.#state = new PanelState(place);
    this.#modes = new RadioGroup("View of countries", { map: "Map", table: "Table" }, (mode) => {
      this.#mode = mode;
      saveSetting(KEY, mode);
      page.repaint();
    });
    byId("map-tools", HTMLElement).append(this.#modes.element);
    new ResizeObserver(([entry]) => {
      this.#size = entry?.contentRect ?? NO_SIZE;
      page.repaint();
    }).observe(this.#frame);
    page.state.onFresh((trades) => this.#pulse(trades));
  }

  paint(view: View): void {
    const { countries } = view.stats;
    const { country } = view.filters;
    const isMap = this.#mode === "map" && this.#atlas !== "failed";
    this.#frame.hidden = !isMap;
    this.#table.element.hidden = isMap;
    const state = figuresState(countries, view);
    this.#state.paint(state, widening(this.#page.address, state.limit));
    setText(this.#remark, this.#atlas === "failed" && this.#mode === "map" ? NO_MAP : "");
    this.#remark.hidden = this.#remark.textContent === "";
    this.#modes.select(this.#mode);
    if (!isMap) {
      this.#table.paint(countries, country);
    } else if (this.#size.width > 0) {
      this.#load();
      this.#chart?.paint({ stats: countries, selected: country, size: this.#size });
    }
  }

  async #load(): Promise<void> {
    if (this.#atlas !== "unloaded") {
      return;
    }
    this.#atlas = "loading";
    try {
      const { drawWorld } = await import("./atlas.ts");
      this.#chart = new Chart(drawWorld(), this.#actions);
      this.#frame.append(this.#chart.element);
      this.#atlas = "loaded";
    } catch (error) {
      console.warn("Tradewire: failed to load the map:", error);
      this.#atlas = "failed";
    }
    this.#page.repaint();
  }

  #pulse(trades: readonly TradeEvent[]): void {
    const { state, address } = this.#page;
    if (this.#mode !== "map" || this.#size.width === 0 || !state.visible) {
      return;
    }
    for (const trade of trades) {
      // In a burst of thousands the first few fill the map.
      if (!this.#chart?.canPulse) {
        return;
      }
      if (matches(address.filters, trade)) {
        this.#chart.pulse(trade.originatingCountry);
      }
    }
  }
}
