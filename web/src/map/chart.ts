/**
 * The map: the world, and a circle for each country with trades, its area proportional to their number.
 *
 * One circle is in the Tab order, and arrow keys move to the next one in their direction.
 */

import type { CountryStats, Stats } from "../server/stats.ts";
import { element } from "../ui/dom.ts";
import type { World } from "./atlas.ts";
import {
  boxOf,
  circleAt,
  circleTowards,
  type Dot,
  fitInto,
  type Point,
  radius,
  radiusMax,
  type Size,
} from "./geometry.ts";
import { type Labels, listCountries } from "./labels.ts";
import { Legend } from "./legend.ts";
import { Pulses } from "./pulses.ts";
import { setAttribute, setCircle, svgElement } from "./svg.ts";
import { Tooltip } from "./tooltip.ts";

/** The input of a paint. The same values give the same picture. */
export interface Scene {
  readonly stats: Stats | undefined;
  /** The country that is filtered by; empty for none. */
  readonly selected: string;
  readonly size: Size;
}

interface Mark {
  readonly circle: SVGCircleElement;
  readonly dot: Dot;
  readonly stats: CountryStats;
}

export interface Actions {
  readonly nameOf: (country: string) => string;
  readonly labels: Labels;
  readonly select: (country: string) => void;
  /** Requests a paint. */
  readonly repaint: () => void;
}

export class Chart {
  readonly element = element("div", "world");
  readonly #svg = svgElement("svg", "");
  readonly #land = svgElement("g", "land");
  readonly #dots = svgElement("g", "dots");
  readonly #selectedRing = svgElement("circle", "ring selected");
  readonly #activeRing = svgElement("circle", "ring active");
  readonly #legend: Legend;
  readonly #tooltip = new Tooltip();
  readonly #pulses = new Pulses();
  readonly #spots: ReadonlyMap<string, Point>;
  readonly #worldSize: Size;
  readonly #actions: Actions;
  readonly #circles = new Map<string, SVGCircleElement>();
  #marks: ReadonlyMap<string, Mark> = new Map();
  #scene: Scene | undefined;
  #pointed = "";
  #pressed = "";
  #focused = "";
  #isStale = false;

  constructor(world: World, actions: Actions) {
    this.#spots = world.spots;
    this.#worldSize = world.size;
    this.#actions = actions;
    this.#legend = new Legend(actions.labels);
    for (const name of ["land", "borders"] as const) {
      const path = svgElement("path", name);
      path.setAttribute("d", world[name]);
      this.#land.append(path);
    }
    this.#svg.setAttribute("role", "group");
    this.#svg.setAttribute("aria-label", "World map of trades by country. The table shows the same data.");
    this.#svg.append(this.#land, this.#legend.element, this.#selectedRing, this.#dots, this.#activeRing);
    this.element.append(this.#svg, this.#pulses.element, this.#tooltip.element);
    this.#listen();
  }

  paint(scene: Scene): void {
    const { stats, selected, size } = scene;
    const before = this.#scene;
    if (!this.#isStale && stats === before?.stats && selected === before?.selected && size === before?.size) {
      return;
    }
    this.#isStale = false;
    this.#scene = scene;
    this.#layOut(scene);
    this.#markSelected(selected);
    this.#point(scene);
  }

  /** Whether another pulse can be started. */
  get canPulse(): boolean {
    return !this.#pulses.isFull;
  }

  /** Lets a country's circle pulse. */
  pulse(country: string): void {
    const dot = this.#marks.get(country)?.dot;
    if (dot) {
      this.#pulses.start(dot);
    }
  }

  #layOut({ stats, selected, size }: Scene): void {
    const countries = listCountries(stats, selected);
    const spots = countries
      .map(({ country }) => this.#spots.get(country))
      .filter((spot) => spot !== undefined);
    const place = fitInto(boxOf(spots, this.#worldSize), size);
    setAttribute(this.#land, "transform", `translate(${place.x} ${place.y}) scale(${place.scale})`);
    const largest = radiusMax(place);
    const max = stats?.countries[0]?.count ?? 0;
    const marks = new Map<string, Mark>();
    for (const country of countries) {
      const spot = this.#spots.get(country.country);
      if (spot) {
        const dot = {
          country: country.country,
          x: place.x + spot.x * place.scale,
          y: place.y + spot.y * place.scale,
          radius: radius(country.count, max, largest),
        };
        const circle = this.#circle(country.country);
        setCircle(circle, dot.x, dot.y, dot.radius);
        marks.set(country.country, { circle, dot, stats: country });
      }
    }
    for (const [country, circle] of this.#circles) {
      circle.toggleAttribute("hidden", !marks.has(country));
    }
    this.#marks = marks;
    this.#stack();
    this.#legend.paint(max, largest, size);
  }

  /** Draws smaller circles above larger ones. A circle with the focus would lose it by a move. */
  #stack(): void {
    const circles = [...this.#marks.values()].map(({ circle }) => circle);
    const isStacked = circles.every((circle, index) => circle === this.#dots.children[index]);
    if (!(isStacked || this.#dots.contains(document.activeElement))) {
      this.#dots.prepend(...circles);
    }
  }

  #markSelected(selected: string): void {
    const { nameOf, labels } = this.#actions;
    const total = this.#scene?.stats?.total.count ?? 0;
    this.#dots.classList.toggle("filtered", selected !== "");
    const tabStop = [this.#focused, selected].find((country) => this.#marks.has(country));
    const first = tabStop ?? this.#marks.keys().next().value;
    for (const [country, { circle, stats }] of this.#marks) {
      setAttribute(circle, "aria-pressed", String(country === selected));
      setAttribute(circle, "aria-label", `${nameOf(country)}: ${labels.describe(stats, total)}`);
      setAttribute(circle, "tabindex", country === first ? 0 : -1);
    }
    this.#drawRing(this.#selectedRing, this.#marks.get(selected), 3);
  }

  /**
   * Shows the stats of the hovered or focused country beside it, else those of the selected one in the
   * corner.
   */
  #point({ stats, selected, size }: Scene): void {
    const { nameOf, labels } = this.#actions;
    const active = this.#marks.get(this.#pointed) ?? this.#marks.get(this.#focused);
    const mark = active ?? this.#marks.get(selected);
    this.#drawRing(this.#activeRing, active, 1);
    this.#svg.classList.toggle("pointed", this.#marks.has(this.#pointed));
    if (mark) {
      this.#tooltip.show(nameOf(mark.dot.country), labels.describe(mark.stats, stats?.total.count ?? 0));
    } else {
      this.#tooltip.hide();
    }
    if (active) {
      this.#tooltip.moveTo(active.dot, size);
    }
  }

  #drawRing(ring: SVGCircleElement, mark: Mark | undefined, gap: number): void {
    ring.toggleAttribute("hidden", !mark);
    if (mark) {
      setCircle(ring, mark.dot.x, mark.dot.y, mark.dot.radius + gap);
    }
  }

  #circle(country: string): SVGCircleElement {
    const known = this.#circles.get(country);
    if (known) {
      return known;
    }
    const circle = svgElement("circle", "dot");
    circle.dataset["country"] = country;
    circle.setAttribute("role", "button");
    this.#circles.set(country, circle);
    this.#dots.append(circle);
    return circle;
  }

  #listen(): void {
    this.#svg.addEventListener("pointermove", (event) => this.#setPointed(this.#countryAt(event)));
    this.#svg.addEventListener("pointerleave", () => this.#setPointed(""));
    // A click has whole pixels only, and may be nearer to another circle than the one that was pointed at.
    this.#svg.addEventListener("pointerdown", (event) => {
      this.#pressed = this.#countryAt(event);
    });
    this.#svg.addEventListener("click", (event) => {
      // A click by keyboard has a target, but no position.
      const country = event.detail === 0 ? countryOf(event.target) : this.#pressed;
      if (country !== "") {
        this.#actions.select(country);
      }
    });
    // On the wrapper, because browsers make an SVG with a focus listener a Tab stop of its own.
    this.element.addEventListener("focusin", ({ target }) => {
      const isByKey = target instanceof Element && target.matches(":focus-visible");
      this.#setFocused(isByKey ? countryOf(target) : "");
    });
    this.element.addEventListener("focusout", () => this.#setFocused(""));
    this.#svg.addEventListener("keydown", (event) => this.#onKeydown(event));
  }

  #onKeydown(event: KeyboardEvent): void {
    const mark = this.#marks.get(countryOf(event.target));
    if (!mark) {
      return;
    }
    const dots = [...this.#marks.values()].map(({ dot }) => dot);
    const next = circleTowards(dots, mark.dot, event.key);
    if (next) {
      this.#marks.get(next.country)?.circle.focus();
    } else if (event.key === "Enter" || event.key === " ") {
      this.#actions.select(mark.dot.country);
    } else {
      return;
    }
    event.preventDefault();
  }

  #countryAt({ clientX, clientY }: MouseEvent): string {
    const { left, top } = this.#svg.getBoundingClientRect();
    const dots = [...this.#marks.values()].map(({ dot }) => dot);
    return circleAt(dots, { x: clientX - left, y: clientY - top })?.country ?? "";
  }

  #setPointed(country: string): void {
    if (country !== this.#pointed) {
      this.#pointed = country;
      this.#changed();
    }
  }

  #setFocused(country: string): void {
    this.#focused = country;
    this.#changed();
  }

  #changed(): void {
    this.#isStale = true;
    this.#actions.repaint();
  }
}

function countryOf(target: EventTarget | null): string {
  return target instanceof SVGElement ? (target.dataset["country"] ?? "") : "";
}
