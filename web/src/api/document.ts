/** The OpenAPI document as the page needs it: each operation with all that belongs to it, in the document's order. */

import { isRecord } from "../trade/event.ts";

export type Fields = Readonly<Record<string, unknown>>;

export interface Parameter {
  readonly name: string;
  /** path, query, header or cookie. */
  readonly where: string;
  readonly isRequired: boolean;
  readonly description: string;
  readonly schema: Fields;
  readonly example: unknown;
}

export interface Content {
  readonly mediaType: string;
  readonly schema: Fields;
  readonly example: unknown;
}

export interface Answer {
  /** A status, or `default`. */
  readonly status: string;
  readonly description: string;
  readonly headers: readonly string[];
  readonly contents: readonly Content[];
}

export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly summary: string;
  readonly description: string;
  readonly needsToken: boolean;
  readonly parameters: readonly Parameter[];
  readonly body: readonly Content[];
  readonly answers: readonly Answer[];
}

export interface ApiDocument {
  readonly title: string;
  readonly version: string;
  readonly description: string;
  readonly operations: readonly Operation[];
  /** The shapes that others refer to, by name. */
  readonly shapes: readonly (readonly [string, Fields])[];
}

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/** The document in `raw`, or undefined when it is none of OpenAPI 3.1. */
export function parseDocument(raw: unknown): ApiDocument | undefined {
  const document = fields(raw);
  if (!text(document["openapi"]).startsWith("3.1")) {
    return;
  }
  const { title, version, description } = fields(document["info"]);
  const operations = Object.entries(fields(document["paths"])).flatMap(([path, item]) =>
    METHODS.filter((method) => method in fields(item)).map((method) =>
      operation(document, method, path, fields(item)),
    ),
  );
  const shapes = Object.entries(fields(fields(document["components"])["schemas"]));
  return {
    title: text(title),
    version: text(version),
    description: text(description),
    operations,
    shapes: shapes.map(([name, schema]) => [name, fields(schema)]),
  };
}

function operation(document: Fields, method: string, path: string, item: Fields): Operation {
  const own = fields(item[method]);
  const resolved = (part: unknown): Fields => resolve(document, part);
  const parameters = [...list(item["parameters"]), ...list(own["parameters"])].map(resolved);
  const answers = Object.entries(fields(own["responses"]));
  return {
    method: method.toUpperCase(),
    path,
    summary: text(own["summary"]),
    description: text(own["description"]),
    needsToken: list(own["security"] ?? document["security"]).length > 0,
    parameters: parameters.map(parameter),
    body: contents(resolved(own["requestBody"])),
    answers: answers.map(([status, part]) => answer(status, resolved(part))),
  };
}

function parameter(part: Fields): Parameter {
  return {
    name: text(part["name"]),
    where: text(part["in"]),
    isRequired: part["required"] === true,
    description: text(part["description"]),
    schema: fields(part["schema"]),
    example: example(part),
  };
}

function answer(status: string, part: Fields): Answer {
  return {
    status,
    description: text(part["description"]),
    headers: Object.keys(fields(part["headers"])),
    contents: contents(part),
  };
}

function contents(part: Fields): readonly Content[] {
  return Object.entries(fields(part["content"])).map(([mediaType, content]) => ({
    mediaType,
    schema: fields(fields(content)["schema"]),
    example: example(fields(content)),
  }));
}

/** OpenAPI has four places for an example; the first one there is. */
function example(part: Fields): unknown {
  const [named] = Object.values(fields(part["examples"]));
  const schema = fields(part["schema"]);
  return part["example"] ?? fields(named)["value"] ?? list(schema["examples"])[0] ?? schema["example"];
}

/** What a local `$ref` refers to; anything else as it is. References to references are not made by our own API. */
function resolve(document: Fields, part: unknown): Fields {
  const { $ref } = fields(part);
  if (typeof $ref !== "string") {
    return fields(part);
  }
  let found: unknown = document;
  for (const name of $ref.replace("#/", "").split("/")) {
    found = fields(found)[name];
  }
  return fields(found);
}

export function fields(value: unknown): Fields {
  return isRecord(value) ? value : {};
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
