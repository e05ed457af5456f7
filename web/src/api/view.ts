/** The page's elements. All values are set as text, never as HTML. */

import { copyFrom } from "../ui/copy-button.ts";
import { element } from "../ui/dom.ts";
import { curl } from "./curl.ts";
import type { ApiDocument, ApiResponse, Content, Operation, Parameter } from "./document.ts";
import { limits, type Piece, typePieces } from "./schema.ts";

const PARAGRAPHS = /\n\s*\n/u;
const NOT_IN_IDS = /[^a-z0-9]+/giu;

/** Returns the content of `<main>`. */
export function view(api: ApiDocument, origin: string): readonly HTMLElement[] {
  const title = element("div", "title");
  title.append(withText("h2", "", `${api.title} ${api.version}`), ...paragraphs(api.description));
  const reference = element("div", "reference");
  reference.append(
    ...api.operations.map((operation) => section(operation, origin)),
    ...credentials(api),
    withText("h2", "", "Schemas"),
    ...api.schemas.map(([name, schema]) => {
      const made = element("section", "schema");
      made.id = schemaId(name);
      made.append(withText("h3", "", name), typeBlock(typePieces(schema)));
      return made;
    }),
  );
  return [title, contents(api.operations), reference];
}

function credentials({ schemes }: ApiDocument): readonly HTMLElement[] {
  const entries = schemes.map(([name, description]) => {
    const made = element("section", "schema");
    made.append(withText("h3", "", name), ...paragraphs(description));
    return made;
  });
  return schemes.length > 0 ? [withText("h2", "", "Credentials"), ...entries] : [];
}

function contents(operations: readonly Operation[]): HTMLElement {
  const made = element("nav", "contents");
  made.ariaLabel = "Operations";
  const items = element("ul", "");
  for (const operation of operations) {
    const target = link(`#${operationId(operation)}`, "");
    const summary = withText("span", "quiet", operation.summary);
    target.append(withText("span", "method", operation.method), ` ${operation.path} `, summary);
    const item = element("li", "");
    item.append(target);
    items.append(item);
  }
  made.append(items);
  return made;
}

function section(operation: Operation, origin: string): HTMLElement {
  const made = element("section", "operation");
  made.id = operationId(operation);
  const heading = element("h3", "");
  heading.append(withText("span", "method", operation.method), ` ${operation.path}`);
  made.append(heading, withText("p", "summary", operation.summary), ...paragraphs(operation.description));
  if (operation.schemes.length > 0) {
    made.append(paragraph(`Credentials: ${operation.schemes.map((name) => `\`${name}\``).join(", ")}.`));
  }
  made.append(copyable(curl(origin, operation)));
  made.append(...titled("Parameters", operation.parameters.map(parameterEntry)));
  made.append(...titled("Body", operation.body.map(contentEntry)));
  made.append(...titled("Responses", operation.responses.map(responseEntry)));
  return made;
}

/** A text with a button that copies it. */
function copyable(copied: string): HTMLElement {
  const made = element("div", "example");
  const text = withText("pre", "", copied);
  text.tabIndex = 0;
  const copy = withText("button", "", "Copy");
  copy.type = "button";
  copyFrom(copy, text);
  made.append(text, copy);
  return made;
}

function titled(title: string, entries: readonly HTMLElement[]): readonly HTMLElement[] {
  return entries.length > 0 ? [withText("h4", "", title), ...entries] : [];
}

function parameterEntry({ name, where, isRequired, schema, description }: Parameter): HTMLElement {
  const made = element("div", "entry");
  const head = element("p", "");
  const text = [isRequired ? `${where}, required` : where, ...limits(schema)];
  head.append(withText("code", "name", name), " ", ...nodes(typePieces(schema)));
  head.append(withText("span", "quiet", ` · ${text.join(" · ")}`));
  made.append(head, ...paragraphs(description));
  return made;
}

function contentEntry({ mediaType, schema }: Content): HTMLElement {
  const made = element("div", "entry");
  const head = element("p", "");
  const pieces = typePieces(schema);
  const isLong = pieces.some((piece) => typeof piece === "string" && piece.includes("\n"));
  head.append(withText("span", "quiet", `${mediaType} `));
  made.append(head);
  if (isLong) {
    made.append(typeBlock(pieces));
  } else {
    head.append(...nodes(pieces));
  }
  return made;
}

function responseEntry({ status, description, headers, contents: bodies }: ApiResponse): HTMLElement {
  const made = element("div", "entry");
  const head = element("p", "");
  head.append(withText("code", "name", status), " ", ...paragraph(description).childNodes);
  if (headers.length > 0) {
    head.append(withText("span", "quiet", ` · with ${headers.join(", ")}`));
  }
  made.append(head, ...bodies.map(contentEntry), ...bodies.flatMap(exampleAnswer));
  return made;
}

function exampleAnswer({ example }: Content): readonly HTMLElement[] {
  if (example === undefined) {
    return [];
  }
  const made = element("details", "");
  made.append(withText("summary", "", "Example answer"), copyable(JSON.stringify(example, undefined, 2)));
  return [made];
}

function typeBlock(pieces: readonly Piece[]): HTMLElement {
  const made = element("pre", "");
  made.append(...nodes(pieces));
  return made;
}

function nodes(pieces: readonly Piece[]): readonly (HTMLElement | string)[] {
  return pieces.map((piece) =>
    typeof piece === "string" ? piece : link(`#${schemaId(piece.schemaName)}`, piece.schemaName),
  );
}

function paragraphs(text: string): readonly HTMLElement[] {
  return text === "" ? [] : text.split(PARAGRAPHS).map(paragraph);
}

/** Names between backticks are code. */
function paragraph(text: string): HTMLElement {
  const made = element("p", "");
  const parts = text.split("`");
  made.append(...parts.map((part, index) => (index % 2 === 0 ? part : withText("code", "", part))));
  return made;
}

function link(target: string, text: string): HTMLElement {
  const made = element("a", "");
  made.href = target;
  made.textContent = text;
  return made;
}

function withText<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className: string,
  text: string,
): HTMLElementTagNameMap[Tag] {
  const made = element(tag, className);
  made.textContent = text;
  return made;
}

function operationId({ method, path }: Operation): string {
  return `${method}${path}`.replace(NOT_IN_IDS, "-").toLowerCase();
}

function schemaId(name: string): string {
  return `schema-${name}`;
}
