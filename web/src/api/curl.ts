/** An example command for each operation, ready to paste into a shell. */

import type { Content, Operation, Parameter } from "./document.ts";

/** A single quote can't be escaped within single quotes. */
const APOSTROPHE = /'/gu;

/** Returns the command that calls an operation of the API at `origin`. */
export function curl(origin: string, operation: Operation): string {
  const parts = ["curl"];
  if (operation.method !== (operation.body.length > 0 ? "POST" : "GET")) {
    parts.push(`-X ${operation.method}`);
  }
  if (operation.schemes.length > 0) {
    parts.push(`-H "Authorization: Bearer $TOKEN"`);
  }
  const [content] = operation.body;
  if (content) {
    parts.push(`-H ${quoted(`Content-Type: ${content.mediaType}`)}`, `-d ${quoted(bodyText(content))}`);
  }
  parts.push(quoted(origin + target(operation)));
  return parts.join(content ? " \\\n  " : " ");
}

function target({ path, parameters }: Operation): string {
  const query = new URLSearchParams();
  let filled = path;
  for (const parameter of parameters) {
    if (parameter.where === "path") {
      filled = filled.replace(`{${parameter.name}}`, encodeURIComponent(value(parameter)));
    } else if (parameter.where === "query" && (parameter.isRequired || parameter.example !== undefined)) {
      query.set(parameter.name, value(parameter));
    }
  }
  return query.size > 0 ? `${filled}?${query}` : filled;
}

function value({ name, example }: Parameter): string {
  return example === undefined ? name.toUpperCase() : String(example);
}

function bodyText({ example }: Content): string {
  if (example === undefined) {
    return "…";
  }
  return typeof example === "string" ? example : JSON.stringify(example);
}

function quoted(word: string): string {
  return `'${word.replace(APOSTROPHE, "'\\''")}'`;
}
