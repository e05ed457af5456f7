/** Filters by fields that have a label, but no input of their own in the document. */

import type { FilterName } from "../filters/filters.ts";
import { FIELDS, type Field } from "../trade/fields.ts";
import { element } from "../ui/dom.ts";

const LABELLED = FIELDS.filter(({ filter, label }) => filter !== undefined && label !== undefined);

/** Creates an input with its label for each filter. */
export function labelledInputs(): readonly HTMLElement[] {
  return LABELLED.map(({ filter, label, maxChars }) => {
    const made = element("label", "");
    const input = element("input", "");
    input.id = `filter-${filter}`;
    input.type = "text";
    input.maxLength = maxChars;
    input.spellcheck = false;
    made.append(`${label} `, input);
    return made;
  });
}

export function labelOf(name: FilterName): string {
  return fieldOf(name)?.label ?? name;
}

/** Says which values the filter takes. */
export function labelledHint(name: FilterName): string {
  const field = fieldOf(name);
  switch (field?.kind) {
    case "currency":
      return "Enter a currency code such as EUR.";
    case "country":
      return "Enter a country code such as FR.";
    default:
      return `${labelOf(name)} has at most ${field?.maxChars} characters.`;
  }
}

function fieldOf(name: FilterName): Field | undefined {
  return LABELLED.find(({ filter }) => filter === name);
}
