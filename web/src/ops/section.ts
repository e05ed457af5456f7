/** A section of a dialog with its own heading. A link may move the focus to it. */

import { element } from "../ui/dom.ts";

export function section(titleId: string, title: string, ...content: readonly HTMLElement[]): HTMLElement {
  const made = element("section", "");
  made.setAttribute("aria-labelledby", titleId);
  made.tabIndex = -1;
  const heading = element("h3", "");
  heading.id = titleId;
  heading.textContent = title;
  made.append(heading, ...content);
  return made;
}
