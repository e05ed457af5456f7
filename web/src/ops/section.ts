/** A section of a dialog with its own heading. */

import { element } from "../ui/dom.ts";

export function section(titleId: string, title: string, ...content: readonly HTMLElement[]): HTMLElement {
  const made = element("section", "");
  made.setAttribute("aria-labelledby", titleId);
  const heading = element("h3", "");
  heading.id = titleId;
  heading.textContent = title;
  made.append(heading, ...content);
  return made;
}
