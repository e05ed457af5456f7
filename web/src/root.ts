/** The folder of all addresses: `/`, or the path below which a proxy in front serves them. */

declare global {
  /** The path of the folder, with a slash at its end, as `settings.js` finds it in its own address. */
  var rootPath: string | undefined;
}

/** Turns a path of the server, such as `/api/stats`, into the path for the browser. */
export function fromRoot(path: string): string {
  return root() + path.slice(1);
}

/** Turns a path of this page's address into the server's. */
export function withinRoot(path: string): string {
  return path.startsWith(root()) ? path.slice(root().length - 1) : path;
}

/**
 * Makes the relative references of the page absolute. Call once, at its start: its address changes while it is open, and
 * with it what they refer to.
 */
export function fixReferences(): void {
  for (const link of document.querySelectorAll<HTMLAnchorElement | HTMLLinkElement>("a[href], link[href]")) {
    if (!link.getAttribute("href")?.startsWith("#")) {
      link.href = String(link.href);
    }
  }
}

function root(): string {
  return globalThis.rootPath ?? "/";
}
