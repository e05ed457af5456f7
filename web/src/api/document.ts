/**
 * The OpenAPI document as the page needs it: operations with references resolved, in the document's order.
 */

import { isRecord } from "../trade/json.ts";

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

export interface ApiResponse {
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
  /** The names of the security schemes, any one of which suffices. Empty if it needs no credentials. */
  readonly schemes: readonly string[];
  readonly parameters: readonly Parameter[];
  readonly body: readonly Content[];
  readonly responses: readonly ApiResponse[];
}

export interface ApiDocument {
  readonly title: string;
  readonly version: string;
  readonly description: string;
  readonly operations: readonly Operation[];
  /** The descriptions of the security schemes by name. */
  readonly schemes: readonly (readonly [string, string])[];
  /** The named schemas. */
  readonly schemas: readonly (readonly [string, Fields])[];
}

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/** Parses a document. Returns undefined if it is not OpenAPI 3.1. */
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
  const schemas = Object.entries(fields(fields(document["components"])["schemas"]));
  const schemes = Object.entries(fields(fields(document["components"])["securitySchemes"]));
  return {
    title: text(title),
    version: text(version),
    description: text(description),
    operations,
    schemes: schemes.map(([name, scheme]) => [name, text(fields(scheme)["description"])]),
    schemas: schemas.map(([name, schema]) => [name, fields(schema)]),
  };
}

function operation(document: Fields, method: string, path: string, item: Fields): Operation {
  const own = fields(item[method]);
  const resolved = (raw: unknown): Fields => resolve(document, raw);
  const parameters = [...list(item["parameters"]), ...list(own["parameters"])].map(resolved);
  const responses = Object.entries(fields(own["responses"]));
  return {
    method: method.toUpperCase(),
    path,
    summary: text(own["summary"]),
    description: text(own["description"]),
    schemes: [
      ...new Set(list(own["security"] ?? document["security"]).flatMap((each) => Object.keys(fields(each)))),
    ],
    parameters: parameters.map(parameter),
    body: contents(resolved(own["requestBody"])),
    responses: responses.map(([status, raw]) => response(status, resolved(raw))),
  };
}

function parameter(raw: Fields): Parameter {
  return {
    name: text(raw["name"]),
    where: text(raw["in"]),
    isRequired: raw["required"] === true,
    description: text(raw["description"]),
    schema: fields(raw["schema"]),
    example: example(raw),
  };
}

function response(status: string, raw: Fields): ApiResponse {
  return {
    status,
    description: text(raw["description"]),
    headers: Object.keys(fields(raw["headers"])),
    contents: contents(raw),
  };
}

function contents(raw: Fields): readonly Content[] {
  return Object.entries(fields(raw["content"])).map(([mediaType, content]) => ({
    mediaType,
    schema: fields(fields(content)["schema"]),
    example: example(fields(content)),
  }));
}

/** Returns the first example. OpenAPI has four places for one. */
function example(raw: Fields): unknown {
  const [named] = Object.values(fields(raw["examples"]));
  const schema = fields(raw["schema"]);
  return raw["example"] ?? fields(named)["value"] ?? list(schema["examples"])[0] ?? schema["example"];
}

/** Resolves a local `$ref`. Our API has no references to references. */
function resolve(document: Fields, raw: unknown): Fields {
  const { $ref } = fields(raw);
  if (typeof $ref !== "string") {
    return fields(raw);
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
