/** An example for each operation, ready to be pasted into a shell. */

import type { Content, Operation, Parameter } from "./document.ts";

/** Goes into single quotes as it is. */
const APOSTROPHE = /'/gu;

/** The command that calls an operation of the API at `origin`. */
export function curl(origin: string, operation: Operation): string {
  const words = ["curl"];
  if (operation.method !== (operation.body.length > 0 ? "POST" : "GET")) {
    words.push(`-X ${operation.method}`);
  }
  if (operation.needsToken) {
    words.push(`-H "Authorization: Bearer $TOKEN"`);
  }
  const [content] = operation.body;
  if (content) {
    words.push(`-H ${quoted(`Content-Type: ${content.mediaType}`)}`, `-d ${quoted(bodyText(content))}`);
  }
  words.push(quoted(origin + target(operation)));
  return words.join(content ? " \\\n  " : " ");
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
