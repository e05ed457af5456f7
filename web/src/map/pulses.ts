/**
 * A ring that expands from a country's circle when a trade arrives.
 *
 * At most one per country and MAX_PULSES on the map, so that it stays readable at high rates. Only transform
 * and opacity are animated, which needs no work of the main thread.
 */

import { element } from "../ui/dom.ts";
import type { Dot } from "./geometry.ts";

const MAX_PULSES = 12;
const DURATION_MS = 900;
/** How far a ring expands beyond its circle, in pixels. */
const SPREAD = 14;

export class Pulses {
  readonly element = element("div", "pulses");
  readonly #idle = Array.from({ length: MAX_PULSES }, () => element("span", "pulse"));
  readonly #busy = new Set<string>();
  readonly #reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

  constructor() {
    this.element.setAttribute("aria-hidden", "true");
    this.element.append(...this.#idle);
  }

  /** Whether no pulse can be started now. */
  get isFull(): boolean {
    return this.#idle.length === 0 || this.#reducedMotion.matches;
  }

  start({ country, x, y, radius }: Dot): void {
    const ring = this.#busy.has(country) ? undefined : this.#idle.pop();
    if (!ring) {
      return;
    }
    const reach = radius + SPREAD;
    ring.style.width = `${2 * reach}px`;
    ring.style.height = `${2 * reach}px`;
    const position = `translate(${x - reach}px, ${y - reach}px)`;
    const pulse = ring.animate(
      [
        { transform: `${position} scale(${radius / reach})`, opacity: 0.9 },
        { transform: `${position} scale(1)`, opacity: 0 },
      ],
      { duration: DURATION_MS, easing: "ease-out" },
    );
    const end = (): void => {
      this.#busy.delete(country);
      this.#idle.push(ring);
    };
    this.#busy.add(country);
    pulse.onfinish = end;
    pulse.oncancel = end;
  }
}
