/** The proxy in front that logs people in, with `TRADEWIRE_ACCESS=proxy`. */

declare global {
  /** Where people log out of the proxy; empty if that is not known. nginx serves it in settings.js. */
  var logoutUrl: string | undefined;
}

/** The beginning of the names that the server gives to the proxy's users. */
const PREFIX = "proxy:";

/** Whether a proxy in front logs people in, and not this page. */
export function isProxied(): boolean {
  return globalThis.access === "proxy";
}

/** Returns where people log out of the proxy. */
export function logOutAddress(): string {
  return globalThis.logoutUrl ?? "";
}

/** Returns a user's name as the proxy names the user. */
export function nameAtProxy(name: string): string {
  return name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
}
