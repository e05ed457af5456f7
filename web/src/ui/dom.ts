/** The few things that every part of the page does with the document. */

/** A new element with a class. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className: string,
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  made.className = className;
  return made;
}

/** The element of index.html with this id, of this kind; the page can't do without it. */
export function byId<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id);
  if (found instanceof kind) {
    return found;
  }
  throw new Error(`index.html has no ${kind.name} with the id ${id}`);
}

/** Sets an element's text, and leaves the document alone when it is there already. */
export function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) {
    target.textContent = text;
  }
}
