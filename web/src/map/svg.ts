/** SVG, written by the document's own means. */

const NAMESPACE = "http://www.w3.org/2000/svg";

export function svgElement<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  className: string,
): SVGElementTagNameMap[Tag] {
  const made = document.createElementNS(NAMESPACE, tag);
  setAttribute(made, "class", className);
  return made;
}

/** Sets an attribute, and leaves the document alone when it is so already. */
export function setAttribute(target: Element, name: string, value: string | number): void {
  const text = String(value);
  if (target.getAttribute(name) !== text) {
    target.setAttribute(name, text);
  }
}

/** Pixels to a tenth: finer can't be seen, and would be written at every change. */
export function tenths(pixels: number): number {
  return Math.round(pixels * 10) / 10;
}

export function setCircle(circle: SVGCircleElement, x: number, y: number, radius: number): void {
  setAttribute(circle, "cx", tenths(x));
  setAttribute(circle, "cy", tenths(y));
  setAttribute(circle, "r", tenths(radius));
}
