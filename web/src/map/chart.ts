/**
 * The map itself: the world, and a circle for each country that trades came from, its area by their number.
 *
 * One circle is in the order of the Tab key; arrows go from there to the next one in their direction.
 */

import type { CountryFigures, Figures } from "../server/stats.ts";
import { element } from "../ui/dom.ts";
import type { World } from "./atlas.ts";
import { type Dot, fitInto, meant, type Point, radius, radiusMax, type Size, towards } from "./geometry.ts";
import { listed, type Words } from "./labels.ts";
import { Legend } from "./legend.ts";
import { Pulses } from "./pulses.ts";
import { setAttribute, setCircle, svgElement } from "./svg.ts";
import { Tip } from "./tooltip.ts";

/** What the chart is painted from: the same values, the same picture. */
export interface Scene {
  readonly figures: Figures | undefined;
  /** The country that is filtered by; empty for none. */
  readonly chosen: string;
  readonly room: Size;
}

interface Mark {
  readonly circle: SVGCircleElement;
  readonly dot: Dot;
  readonly figures: CountryFigures;
}

export interface Actions {
  readonly nameOf: (country: string) => string;
  readonly words: Words;
  readonly choose: (country: string) => void;
  /** Asks for a paint. */
  readonly repaint: () => void;
}

export class Chart {
  readonly element = element("div", "world");
  readonly #svg = svgElement("svg", "");
  readonly #land = svgElement("g", "land");
  readonly #dots = svgElement("g", "dots");
  readonly #chosenRing = svgElement("circle", "ring chosen");
  readonly #activeRing = svgElement("circle", "ring active");
  readonly #legend: Legend;
  readonly #tip = new Tip();
  readonly #pulses = new Pulses();
  readonly #spots: ReadonlyMap<string, Point>;
  readonly #worldSize: Size;
  readonly #actions: Actions;
  readonly #circles = new Map<string, SVGCircleElement>();
  #marks: ReadonlyMap<string, Mark> = new Map();
  #scene: Scene | undefined;
  #pointed = "";
  #focused = "";
  #isStale = false;

  constructor(world: World, actions: Actions) {
    this.#spots = world.spots;
    this.#worldSize = world.size;
    this.#actions = actions;
    this.#legend = new Legend(actions.words);
    for (const name of ["land", "borders"] as const) {
      const path = svgElement("path", name);
      path.setAttribute("d", world[name]);
      this.#land.append(path);
    }
    this.#svg.setAttribute("role", "group");
    this.#svg.setAttribute("aria-label", "World map of trades by country; the table has the same figures");
    this.#svg.append(this.#land, this.#legend.element, this.#chosenRing, this.#dots, this.#activeRing);
    this.element.append(this.#svg, this.#pulses.element, this.#tip.element);
    this.#listen();
  }

  paint(scene: Scene): void {
    const { figures, chosen, room } = scene;
    const before = this.#scene;
    if (!this.#isStale && figures === before?.figures && chosen === before?.chosen && room === before?.room) {
      return;
    }
    this.#isStale = false;
    this.#scene = scene;
    this.#place(scene);
    this.#markChosen(chosen);
    this.#point(scene);
  }

  /** Whether there are not enough pulses already. */
  get isOpenForPulses(): boolean {
    return !this.#pulses.isFull;
  }

  /** Lets a country's circle pulse. */
  pulse(country: string): void {
    const dot = this.#marks.get(country)?.dot;
    if (dot) {
      this.#pulses.start(dot);
    }
  }

  #place({ figures, chosen, room }: Scene): void {
    const place = fitInto(this.#worldSize, room);
    setAttribute(this.#land, "transform", `translate(${place.x} ${place.y}) scale(${place.scale})`);
    const largest = radiusMax(place);
    const most = figures?.countries[0]?.count ?? 0;
    const marks = new Map<string, Mark>();
    for (const country of listed(figures, chosen)) {
      const spot = this.#spots.get(country.country);
      if (spot) {
        const dot = {
          country: country.country,
          x: place.x + spot.x * place.scale,
          y: place.y + spot.y * place.scale,
          radius: radius(country.count, most, largest),
        };
        const circle = this.#circle(country.country);
        setCircle(circle, dot.x, dot.y, dot.radius);
        marks.set(country.country, { circle, dot, figures: country });
      }
    }
    for (const [country, circle] of this.#circles) {
      circle.toggleAttribute("hidden", !marks.has(country));
    }
    this.#marks = marks;
    this.#legend.paint(most, largest, room);
  }

  #markChosen(chosen: string): void {
    const { nameOf, words } = this.#actions;
    const total = this.#scene?.figures?.total.count ?? 0;
    this.#dots.classList.toggle("narrowed", chosen !== "");
    const stop = [this.#focused, chosen].find((country) => this.#marks.has(country));
    const first = stop ?? this.#marks.keys().next().value;
    for (const [country, { circle, figures }] of this.#marks) {
      setAttribute(circle, "aria-pressed", String(country === chosen));
      setAttribute(circle, "aria-label", `${nameOf(country)}: ${words.all(figures, total)}`);
      setAttribute(circle, "tabindex", country === first ? 0 : -1);
    }
    this.#encircle(this.#chosenRing, this.#marks.get(chosen), 3);
  }

  /** Shows the figures of what is pointed at, or has the focus; else of what is chosen, out of the way. */
  #point({ figures, chosen, room }: Scene): void {
    const { nameOf, words } = this.#actions;
    const active = this.#marks.get(this.#pointed) ?? this.#marks.get(this.#focused);
    const mark = active ?? this.#marks.get(chosen);
    this.#encircle(this.#activeRing, active, 1);
    this.#svg.classList.toggle("pointed", this.#marks.has(this.#pointed));
    if (mark) {
      this.#tip.show(nameOf(mark.dot.country), words.all(mark.figures, figures?.total.count ?? 0));
    } else {
      this.#tip.hide();
    }
    if (active) {
      this.#tip.moveTo(active.dot, room);
    }
  }

  #encircle(ring: SVGCircleElement, mark: Mark | undefined, gap: number): void {
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
    this.#svg.addEventListener("pointermove", (event) => this.#lookAt(this.#under(event)));
    this.#svg.addEventListener("pointerleave", () => this.#lookAt(""));
    this.#svg.addEventListener("click", (event) => {
      // A click that no pointer made has a target, but no place.
      const country = event.detail === 0 ? countryOf(event.target) : this.#under(event);
      if (country !== "") {
        this.#actions.choose(country);
      }
    });
    // Of an svg that listens for focus, browsers think that it takes it: it would be a stop of its own for Tab.
    this.element.addEventListener("focusin", ({ target }) => {
      const isByKey = target instanceof Element && target.matches(":focus-visible");
      this.#focus(isByKey ? countryOf(target) : "");
    });
    this.element.addEventListener("focusout", () => this.#focus(""));
    this.#svg.addEventListener("keydown", (event) => this.#press(event));
  }

  #press(event: KeyboardEvent): void {
    const mark = this.#marks.get(countryOf(event.target));
    if (!mark) {
      return;
    }
    const dots = [...this.#marks.values()].map(({ dot }) => dot);
    const next = towards(dots, mark.dot, event.key);
    if (next) {
      this.#marks.get(next.country)?.circle.focus();
    } else if (event.key === "Enter" || event.key === " ") {
      this.#actions.choose(mark.dot.country);
    } else {
      return;
    }
    event.preventDefault();
  }

  #under({ clientX, clientY }: MouseEvent): string {
    const { left, top } = this.#svg.getBoundingClientRect();
    const dots = [...this.#marks.values()].map(({ dot }) => dot);
    return meant(dots, { x: clientX - left, y: clientY - top })?.country ?? "";
  }

  #lookAt(country: string): void {
    if (country !== this.#pointed) {
      this.#pointed = country;
      this.#changed();
    }
  }

  #focus(country: string): void {
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
