/** JSON Schema in words that fit on a line: `string | null`, `1 to 1000`, `Update[]`. */

import { type Fields, fields, list, text } from "./document.ts";

/** A piece of a type: words, or the name of a shape that is described elsewhere. */
export type Piece = string | { readonly shape: string };

/** More choices than this are not told one by one: /api/openapi.json has them. */
const MANY = 16;

/** What a value may be. */
export function typePieces(schema: Fields, indent = ""): readonly Piece[] {
  const { $ref, properties, items, additionalProperties } = schema;
  if (typeof $ref === "string") {
    return [{ shape: $ref.slice($ref.lastIndexOf("/") + 1) }];
  }
  if (properties) {
    return block(schema, indent);
  }
  if (items) {
    const each = typePieces(fields(items), indent);
    return isUnion(fields(items)) ? ["(", ...each, ")[]"] : [...each, "[]"];
  }
  if (additionalProperties && additionalProperties !== true) {
    return ["{ [name]: ", ...typePieces(fields(additionalProperties), indent), " }"];
  }
  return choice(schema, indent);
}

function choice(schema: Fields, indent: string): readonly Piece[] {
  const { anyOf, allOf, type } = schema;
  const parts = list(anyOf ?? schema["oneOf"] ?? allOf).map((part) => typePieces(fields(part), indent));
  if (parts.length > 0) {
    return joined(parts, allOf ? " & " : " | ");
  }
  const values = "const" in schema ? [schema["const"]] : list(schema["enum"]);
  if (values.length > 0) {
    return [choices(values)];
  }
  return [Array.isArray(type) ? type.map(text).join(" | ") : text(type) || "anything"];
}

function choices(values: readonly unknown[]): string {
  const told = values.slice(0, values.length > MANY ? MANY / 2 : MANY).map((value) => JSON.stringify(value));
  return [...told, ...(values.length > MANY ? [`… (${values.length} in all)`] : [])].join(" | ");
}

/** An object, one property a line, each with what more there is to say about it. */
function block(schema: Fields, indent: string): readonly Piece[] {
  const required = list(schema["required"]);
  const deeper = `${indent}  `;
  const lines = Object.entries(fields(schema["properties"])).map(([name, property]): readonly Piece[] => {
    const optional = required.includes(name) ? "" : "?";
    return [
      `${deeper}${name}${optional}: `,
      ...typePieces(fields(property), deeper),
      remark(fields(property)),
    ];
  });
  return ["{\n", ...lines.flatMap((line) => [...line, "\n"]), `${indent}}`];
}

function remark(schema: Fields): string {
  const words = [...limits(schema), text(schema["description"])].filter((word) => word !== "");
  return words.length > 0 ? `  // ${words.join("; ")}` : "";
}

/** What else a value must keep to, each limit in words. */
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
  ].filter((word) => word !== "");
}

function range(least: unknown, most: unknown, unit: string): string {
  if (least === undefined) {
    return most === undefined ? "" : `at most ${grouped(most)}${unit}`;
  }
  return most === undefined
    ? `at least ${grouped(least)}${unit}`
    : `${grouped(least)} to ${grouped(most)}${unit}`;
}

function above(bound: unknown): string {
  return bound === undefined ? "" : `more than ${grouped(bound)}`;
}

function isUnion({ anyOf, oneOf, type, enum: values }: Fields): boolean {
  return [anyOf, oneOf, type, values].some((parts) => list(parts).length > 1);
}

function grouped(bound: unknown): string {
  return typeof bound === "number" ? bound.toLocaleString("en") : String(bound);
}

function joined(parts: readonly (readonly Piece[])[], separator: string): readonly Piece[] {
  return parts.flatMap((part, index) => (index === 0 ? part : [separator, ...part]));
}
