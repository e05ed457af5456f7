/** The API reference page: parsing of the OpenAPI document, and its texts. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { curl } from "../src/api/curl.ts";
import { type ApiDocument, type Operation, parseDocument } from "../src/api/document.ts";
import { limits, typePieces } from "../src/api/schema.ts";

const DOCUMENT = {
  openapi: "3.1.0",
  info: { title: "Trades", version: "1", description: "All of them." },
  paths: {
    "/api/message": {
      post: {
        summary: "Accept one.",
        requestBody: {
          content: { "application/json": { schema: { type: "object" }, example: { userId: "O'Hara" } } },
        },
        responses: {
          201: {
            description: "Kept.",
            headers: { location: {} },
            content: { "application/json": { schema: { $ref: "#/components/schemas/kept" } } },
          },
          503: { $ref: "#/components/responses/away" },
        },
      },
    },
    "/api/message/{id}": {
      parameters: [{ name: "id", in: "path", required: true, schema: { type: "string" } }],
      get: {
        summary: "Find one.",
        parameters: [
          { $ref: "#/components/parameters/limit" },
          { name: "from", in: "query", description: "Sold.", schema: { type: "string", examples: ["EUR"] } },
        ],
        responses: {},
      },
      delete: { summary: "Delete one.", security: [{ token: [] }], responses: {} },
    },
  },
  components: {
    parameters: {
      limit: { name: "limit", in: "query", schema: { type: "integer", minimum: 1, maximum: 9 } },
    },
    responses: { away: { description: "Away." } },
    schemas: { kept: { type: "object" } },
  },
};

function parsed(): ApiDocument {
  const api = parseDocument(DOCUMENT);
  assert(api);
  return api;
}

function operation(index: number): Operation {
  const found = parsed().operations[index];
  assert(found);
  return found;
}

function typeText(schema: Readonly<Record<string, unknown>>): string {
  return typePieces(schema)
    .map((piece) => (typeof piece === "string" ? piece : `<${piece.schemaName}>`))
    .join("");
}

it("operations come in the document's order, each with its method and path", () => {
  assert.deepEqual(
    parsed().operations.map(({ method, path, summary }) => [method, path, summary]),
    [
      ["POST", "/api/message", "Accept one."],
      ["GET", "/api/message/{id}", "Find one."],
      ["DELETE", "/api/message/{id}", "Delete one."],
    ],
  );
});

it("parameters of a path apply to each of its operations, and references are resolved", () => {
  assert.deepEqual(
    operation(1).parameters.map(({ name, where, isRequired }) => [name, where, isRequired]),
    [
      ["id", "path", true],
      ["limit", "query", false],
      ["from", "query", false],
    ],
  );
});

it("schemas have a name", () => {
  assert.deepEqual(parsed().schemas, [["kept", { type: "object" }]]);
});

it("responses have a status, a description, headers and contents", () => {
  const [kept, away] = operation(0).responses;
  assert.deepEqual(kept?.headers, ["location"]);
  assert.equal(kept?.contents[0]?.mediaType, "application/json");
  assert.equal(away?.description, "Away.");
});

it("a document of another kind or version is rejected", () => {
  for (const raw of [null, [], "3.1.0", {}, { openapi: "3.0.3" }, { openapi: 3.1 }]) {
    assert.equal(parseDocument(raw), undefined);
  }
});

it("a document with nothing but its version is empty", () => {
  const api = parseDocument({ openapi: "3.1.1", paths: { "/x": null, "/y": { get: null } } });
  assert.equal(api?.operations.length, 1);
  assert.deepEqual(api?.schemas, []);
});

it("types are compact text, and schemas are linked by name", () => {
  assert.equal(typeText({ type: "string" }), "string");
  assert.equal(typeText({ type: ["string", "null"] }), "string | null");
  assert.equal(
    typeText({ anyOf: [{ $ref: "#/components/schemas/TradeEvent" }, { type: "null" }] }),
    "<TradeEvent> | null",
  );
  assert.equal(
    typeText({ type: "array", items: { $ref: "#/components/schemas/TradeEvent" } }),
    "<TradeEvent>[]",
  );
  assert.equal(typeText({ type: "array", items: { type: ["string", "integer"] } }), "(string | integer)[]");
  assert.equal(typeText({ enum: ["json", "csv"] }), '"json" | "csv"');
  const codes = Array.from({ length: 180 }, (_, index) => index);
  assert.equal(typeText({ enum: codes }), "0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | … (180 in all)");
  assert.equal(typeText({ const: "OK" }), '"OK"');
  assert.equal(
    typeText({ type: "object", additionalProperties: { type: "integer" } }),
    "{ [name]: integer }",
  );
  assert.equal(typeText({}), "anything");
});

it("an object is listed property by property, with limits and descriptions", () => {
  const schema = {
    type: "object",
    required: ["id"],
    properties: {
      id: { type: "string", minLength: 1, maxLength: 64, description: "Whose." },
      at: { type: "object", properties: { x: { type: "integer" } } },
    },
  };
  assert.equal(
    typeText(schema),
    "{\n  id: string  // 1 to 64 characters; Whose.\n  at?: {\n    x?: integer\n  }\n}",
  );
});

it("limits are described in words", () => {
  assert.deepEqual(limits({ minimum: 1, maximum: 1000, default: 100 }), ["1 to 1,000", "default 100"]);
  assert.deepEqual(limits({ format: "date-time", exclusiveMinimum: 0, maxItems: 3 }), [
    "date-time",
    "more than 0",
    "at most 3 items",
  ]);
  // The largest 64-bit integer is no limit that a reader could use, and not even exact as a number.
  assert.deepEqual(limits({ minimum: 1, maximum: 2 ** 63 }), ["at least 1"]);
  assert.deepEqual(limits({ pattern: "^[A-Z]$", default: null }), ["matches ^[A-Z]$"]);
});

it("the example of a POST has its body, quoted for the shell", () => {
  assert.equal(
    curl("http://x", operation(0)),
    [
      "curl \\",
      "  -H 'Content-Type: application/json' \\",
      `  -d '{"userId":"O'\\''Hara"}' \\`,
      "  'http://x/api/message'",
    ].join("\n"),
  );
});

it("the example of a GET has the example parameters", () => {
  assert.equal(curl("http://x", operation(1)), "curl 'http://x/api/message/ID?from=EUR'");
});

it("an operation names the schemes of its credentials, each once", () => {
  assert.deepEqual([operation(1).schemes, operation(2).schemes], [[], ["token"]]);
});

it("the example of an operator's call has the token", () => {
  assert.equal(
    curl("http://x", operation(2)),
    `curl -X DELETE -H "Authorization: Bearer $TOKEN" 'http://x/api/message/ID'`,
  );
});
