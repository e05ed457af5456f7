/** Whether the server takes this page for its own. If not, it refuses the live feed, and scripts can't see why. */

declare global {
  /** The host that requests of this page name, as nginx sees it. A proxy in front may change it. */
  var namedHost: string | undefined;
  /** The origin of `TRADEWIRE_PUBLIC_URL`. Empty if it isn't set. */
  var publicOrigin: string | undefined;
}

/** Compares a page's origin with the server's own, as the server does. */
export function isOwnOrigin(origin: string): boolean {
  const { namedHost: seen, publicOrigin: own } = globalThis;
  return seen === undefined || origin === own || new URL(origin).host === seen;
}
