/** JSON Schema as compact text: `string | null`, `1 to 1000`, `TradeEvent[]`. */

import { type Fields, fields, list, text } from "./document.ts";

/** A piece of a type: text, or the name of a schema that is described elsewhere. */
export type Piece = string | { readonly schemaName: string };

/** Longer enums are shortened. /api/openapi.json has them in full. */
const MAX_CHOICES = 16;

/** Returns the type of a schema's values. */
export function typePieces(schema: Fields, indent = ""): readonly Piece[] {
  const { $ref, properties, items, additionalProperties } = schema;
  if (typeof $ref === "string") {
    return [{ schemaName: $ref.slice($ref.lastIndexOf("/") + 1) }];
  }
  if (properties) {
    return objectType(schema, indent);
  }
  if (items) {
    const each = typePieces(fields(items), indent);
    return isUnion(fields(items)) ? ["(", ...each, ")[]"] : [...each, "[]"];
  }
  if (additionalProperties && additionalProperties !== true) {
    return ["{ [name]: ", ...typePieces(fields(additionalProperties), indent), " }"];
  }
  return choiceType(schema, indent);
}

function choiceType(schema: Fields, indent: string): readonly Piece[] {
  const { anyOf, allOf, type } = schema;
  const parts = list(anyOf ?? schema["oneOf"] ?? allOf).map((part) => typePieces(fields(part), indent));
  if (parts.length > 0) {
    return join(parts, allOf ? " & " : " | ");
  }
  const values = "const" in schema ? [schema["const"]] : list(schema["enum"]);
  if (values.length > 0) {
    return [enumType(values)];
  }
  return [Array.isArray(type) ? type.map(text).join(" | ") : text(type) || "anything"];
}

function enumType(values: readonly unknown[]): string {
  const shown = values
    .slice(0, values.length > MAX_CHOICES ? MAX_CHOICES / 2 : MAX_CHOICES)
    .map((value) => JSON.stringify(value));
  return [...shown, ...(values.length > MAX_CHOICES ? [`… (${values.length} in all)`] : [])].join(" | ");
}

/** An object, one property per line, each with its limits and description. */
function objectType(schema: Fields, indent: string): readonly Piece[] {
  const required = list(schema["required"]);
  const innerIndent = `${indent}  `;
  const lines = Object.entries(fields(schema["properties"])).map(([name, property]): readonly Piece[] => {
    const optional = required.includes(name) ? "" : "?";
    return [
      `${innerIndent}${name}${optional}: `,
      ...typePieces(fields(property), innerIndent),
      comment(fields(property)),
    ];
  });
  return ["{\n", ...lines.flatMap((line) => [...line, "\n"]), `${indent}}`];
}

function comment(schema: Fields): string {
  const details = [...limits(schema), text(schema["description"])].filter((detail) => detail !== "");
  return details.length > 0 ? `  // ${details.join("; ")}` : "";
}

/** Returns the limits of a value in words. */
export function limits(schema: Fields): readonly string[] {
  const { format, pattern } = schema;
  return [
    text(format),
    range(schema["minimum"], schema["maximum"], ""),
    above(schema["exclusiveMinimum"]),
    range(schema["minLength"], schema["maxLength"], " characters"),
    range(schema["minItems"], schema["maxItems"], " items"),
    pattern === undefined ? "" : `matches ${text(pattern)}`,
    schema["default"] === undefined || schema["default"] === null
      ? ""
      : `default ${JSON.stringify(schema["default"])}`,
  ].filter((detail) => detail !== "");
}

/** A bound that a JavaScript number can't hold exactly is the type's own, and says nothing. */
function isMeaningless(bound: unknown): boolean {
  return typeof bound === "number" && Math.abs(bound) > Number.MAX_SAFE_INTEGER;
}

function range(min: unknown, upper: unknown, unit: string): string {
  const max = isMeaningless(upper) ? undefined : upper;
  if (min === undefined) {
    return max === undefined ? "" : `at most ${formatBound(max)}${unit}`;
  }
  return max === undefined
    ? `at least ${formatBound(min)}${unit}`
    : `${formatBound(min)} to ${formatBound(max)}${unit}`;
}

function above(bound: unknown): string {
  return bound === undefined ? "" : `more than ${formatBound(bound)}`;
}

function isUnion({ anyOf, oneOf, type, enum: values }: Fields): boolean {
  return [anyOf, oneOf, type, values].some((parts) => list(parts).length > 1);
}

function formatBound(bound: unknown): string {
  return typeof bound === "number" ? bound.toLocaleString("en") : String(bound);
}

function join(parts: readonly (readonly Piece[])[], separator: string): readonly Piece[] {
  return parts.flatMap((part, index) => (index === 0 ? part : [separator, ...part]));
}
