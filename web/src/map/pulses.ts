/**
 * A ring that runs out from a country's circle where a trade just came in.
 *
 * One at a time for each country, and only so many on the whole map: at high rates most trades have none, and the
 * map stays readable. Only transform and opacity move, which costs the page nothing between two frames.
 */

import { element } from "../ui/dom.ts";
import type { Dot } from "./geometry.ts";

const AT_A_TIME = 12;
const LASTS_MS = 900;
/** How far a ring runs beyond its circle, in pixels. */
const WAY = 14;

export class Pulses {
  readonly element = element("div", "pulses");
  readonly #idle = Array.from({ length: AT_A_TIME }, () => element("span", "pulse"));
  readonly #busy = new Set<string>();
  readonly #reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

  constructor() {
    this.element.setAttribute("aria-hidden", "true");
    this.element.append(...this.#idle);
  }

  /** Whether there is no use in trying. */
  get isFull(): boolean {
    return this.#idle.length === 0 || this.#reducedMotion.matches;
  }

  start({ country, x, y, radius }: Dot): void {
    const ring = this.#busy.has(country) ? undefined : this.#idle.pop();
    if (!ring) {
      return;
    }
    const reach = radius + WAY;
    ring.style.width = `${2 * reach}px`;
    ring.style.height = `${2 * reach}px`;
    const there = `translate(${x - reach}px, ${y - reach}px)`;
    const pulse = ring.animate(
      [
        { transform: `${there} scale(${radius / reach})`, opacity: 0.9 },
        { transform: `${there} scale(1)`, opacity: 0 },
      ],
      { duration: LASTS_MS, easing: "ease-out" },
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
