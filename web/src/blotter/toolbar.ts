/** The table's controls in its title line: pause, view menu and export links. */

import { writeFilters } from "../filters/filters.ts";
import type { Order } from "../filters/order.ts";
import { writeSpan } from "../filters/range.ts";
import type { Selection } from "../filters/selection.ts";
import { fromRoot } from "../root.ts";
import { byId, element, setText } from "../ui/dom.ts";
import { onKey } from "../ui/keys.ts";
import { type Clock, COLUMNS } from "./columns.ts";
import { type ColumnName, type Layout, toggleColumn } from "./layout.ts";
import { SortMenu } from "./sort-menu.ts";

const FORMATS = ["csv", "ndjson"] as const;

/** A column in the menu. */
interface ColumnLine {
  readonly line: HTMLElement;
  readonly box: HTMLInputElement;
  readonly label: HTMLElement;
}

export interface ToolbarListener {
  readonly pause: () => void;
  readonly change: (change: (layout: Layout) => Layout) => void;
  readonly sort: (order: Order) => void;
}

export class Toolbar {
  readonly #pause = element("button", "quiet pause");
  readonly #lines = new Map<ColumnName, ColumnLine>();
  readonly #links = new Map(FORMATS.map((format) => [format, exportLink(format)]));
  readonly #sort: SortMenu;

  constructor({ pause, change, sort }: ToolbarListener) {
    this.#pause.type = "button";
    this.#pause.dataset["testid"] = "pause";
    this.#pause.title = "Pauses the list and counts new trades (Space)";
    setText(this.#pause, "Pause");
    this.#pause.addEventListener("click", pause);
    onKey(" ", pause);
    this.#sort = new SortMenu(sort);
    byId("blotter-tools", HTMLElement).append(this.#pause, this.#menu(change), ...this.#links.values());
  }

  paintPause(isPaused: boolean): void {
    this.#pause.ariaPressed = String(isPaused);
  }

  paintOrder(order: Order): void {
    this.#sort.paint(order);
  }

  /** Shows the choice of columns, but for those that have no values to show. */
  paintLayout(layout: Layout, unused: ReadonlySet<ColumnName>, clock: Clock): void {
    for (const { name, label } of COLUMNS) {
      const made = this.#lines.get(name);
      if (made) {
        made.line.hidden = unused.has(name);
        made.box.checked = !layout.hidden.includes(name);
        setText(made.label, label(clock));
      }
    }
  }

  /** Links to the exports of the selected trades. They are for exporters alone. */
  paintExports({ filters, span }: Selection, isAllowed: boolean): void {
    for (const [format, link] of this.#links) {
      link.hidden = !isAllowed;
      const query = new URLSearchParams({ format });
      writeSpan(span, query);
      writeFilters(filters, query);
      const path = fromRoot(`/api/messages?${query}`);
      if (link.getAttribute("href") !== path) {
        link.href = path;
      }
    }
  }

  #menu(change: ToolbarListener["change"]): HTMLElement {
    const menu = element("details", "menu");
    menu.dataset["testid"] = "view";
    const summary = element("summary", "");
    setText(summary, "View");
    const body = element("div", "menu-body");
    const columns = element("fieldset", "");
    const legend = element("legend", "");
    setText(legend, "Columns");
    columns.append(legend);
    for (const { name } of COLUMNS) {
      const line = element("label", "");
      // blotter.css hides it where it hides the column's cells.
      line.dataset["column"] = name;
      const box = element("input", "");
      const label = element("span", "");
      box.type = "checkbox";
      box.addEventListener("change", () => change((layout) => toggleColumn(layout, name)));
      this.#lines.set(name, { line, box, label });
      line.append(box, label);
      columns.append(line);
    }
    const reset = element("button", "quiet reset");
    reset.type = "button";
    setText(reset, "Reset widths");
    reset.addEventListener("click", () => change((layout) => ({ ...layout, widths: {} })));
    body.append(...this.#sort.elements, columns, reset);
    menu.append(summary, body);
    return menu;
  }
}

function exportLink(format: (typeof FORMATS)[number]): HTMLAnchorElement {
  const link = element("a", "export target");
  link.download = "";
  link.dataset["testid"] = `export-${format}`;
  link.title = `All trades of this time range that match the filters, as ${format.toUpperCase()}`;
  setText(link, format.toUpperCase());
  return link;
}
