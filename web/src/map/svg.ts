/** Helpers for SVG elements. */

const NAMESPACE = "http://www.w3.org/2000/svg";

export function svgElement<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  className: string,
): SVGElementTagNameMap[Tag] {
  const made = document.createElementNS(NAMESPACE, tag);
  setAttribute(made, "class", className);
  return made;
}

/** Sets an attribute. Does not touch the document if it is already set. */
export function setAttribute(target: Element, name: string, value: string | number): void {
  const text = String(value);
  if (target.getAttribute(name) !== text) {
    target.setAttribute(name, text);
  }
}

/** Rounds pixels to a tenth. Smaller changes are invisible and would touch the document each time. */
export function tenths(pixels: number): number {
  return Math.round(pixels * 10) / 10;
}

export function setCircle(circle: SVGCircleElement, x: number, y: number, radius: number): void {
  setAttribute(circle, "cx", tenths(x));
  setAttribute(circle, "cy", tenths(y));
  setAttribute(circle, "r", tenths(radius));
}
