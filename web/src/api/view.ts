/** The document's elements. Every value is set as text, whatever it holds. */

import { element } from "../ui/dom.ts";
import { curl } from "./curl.ts";
import type { Answer, ApiDocument, Content, Operation, Parameter } from "./document.ts";
import { limits, type Piece, typePieces } from "./schema.ts";

const PARAGRAPHS = /\n\s*\n/u;
const NOT_IN_IDS = /[^a-z0-9]+/giu;

/** All of it, to be put into `<main>`. */
export function view(api: ApiDocument, origin: string): readonly HTMLElement[] {
  return [
    withText("h2", "", `${api.title} ${api.version}`),
    ...paragraphs(api.description),
    contents(api.operations),
    ...api.operations.map((operation) => section(operation, origin)),
    withText("h2", "", "Shapes"),
    ...api.shapes.map(([name, schema]) => {
      const shape = element("section", "shape");
      shape.id = shapeId(name);
      shape.append(withText("h3", "", name), typeBlock(typePieces(schema)));
      return shape;
    }),
  ];
}

function contents(operations: readonly Operation[]): HTMLElement {
  const items = element("ul", "contents");
  for (const operation of operations) {
    const item = element("li", "");
    item.append(link(`#${operationId(operation)}`, `${operation.method} ${operation.path}`));
    item.append(withText("span", "quiet", ` ${operation.summary}`));
    items.append(item);
  }
  return items;
}

function section(operation: Operation, origin: string): HTMLElement {
  const made = element("section", "operation");
  made.id = operationId(operation);
  const heading = element("h3", "");
  heading.append(withText("span", "method", operation.method), ` ${operation.path}`);
  made.append(heading, withText("p", "summary", operation.summary), ...paragraphs(operation.description));
  if (operation.needsToken) {
    made.append(withText("p", "", "For operators: needs the token."));
  }
  made.append(withText("pre", "example", curl(origin, operation)));
  made.append(...titled("Parameters", operation.parameters.map(parameterEntry)));
  made.append(...titled("Body", operation.body.map(contentEntry)));
  made.append(...titled("Answers", operation.answers.map(answerEntry)));
  return made;
}

function titled(title: string, entries: readonly HTMLElement[]): readonly HTMLElement[] {
  return entries.length > 0 ? [withText("h4", "", title), ...entries] : [];
}

function parameterEntry({ name, where, isRequired, schema, description }: Parameter): HTMLElement {
  const made = element("div", "entry");
  const head = element("p", "");
  const words = [isRequired ? `${where}, required` : where, ...limits(schema)];
  head.append(withText("code", "name", name), " ", ...nodes(typePieces(schema)));
  head.append(withText("span", "quiet", ` · ${words.join(" · ")}`));
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

function answerEntry({ status, description, headers, contents: bodies }: Answer): HTMLElement {
  const made = element("div", "entry");
  const head = element("p", "");
  head.append(withText("code", "name", status), ` ${description}`);
  if (headers.length > 0) {
    head.append(withText("span", "quiet", ` · with ${headers.join(", ")}`));
  }
  made.append(head, ...bodies.map(contentEntry));
  return made;
}

function typeBlock(pieces: readonly Piece[]): HTMLElement {
  const made = element("pre", "");
  made.append(...nodes(pieces));
  return made;
}

function nodes(pieces: readonly Piece[]): readonly (HTMLElement | string)[] {
  return pieces.map((piece) =>
    typeof piece === "string" ? piece : link(`#${shapeId(piece.shape)}`, piece.shape),
  );
}

function paragraphs(words: string): readonly HTMLElement[] {
  return words === "" ? [] : words.split(PARAGRAPHS).map((part) => withText("p", "", part));
}

function link(target: string, words: string): HTMLElement {
  const made = element("a", "");
  made.href = target;
  made.textContent = words;
  return made;
}

function withText<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className: string,
  words: string,
): HTMLElementTagNameMap[Tag] {
  const made = element(tag, className);
  made.textContent = words;
  return made;
}

function operationId({ method, path }: Operation): string {
  return `${method}${path}`.replace(NOT_IN_IDS, "-").toLowerCase();
}

function shapeId(name: string): string {
  return `shape-${name}`;
}
