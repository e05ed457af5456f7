/** Fades the side of a scrolling element behind which there is more. */

/** Call once. `content` is watched, because its size may change alone. */
export function hintOverflow(scroller: HTMLElement, content: Element): void {
  const update = (): void => {
    const { scrollLeft, clientWidth, scrollWidth } = scroller;
    scroller.classList.toggle("more-right", scrollLeft + clientWidth < scrollWidth - 1);
  };
  scroller.addEventListener("scroll", update, { passive: true });
  const observer = new ResizeObserver(update);
  observer.observe(scroller);
  observer.observe(content);
}
