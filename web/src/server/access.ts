/** Whether the page is open to everybody, or asks for a session. */

declare global {
  /** `TRADEWIRE_ACCESS`. nginx serves it in settings.js. */
  var access: string | undefined;
}

export const SESSION = "/api/session";

export function isOpen(): boolean {
  return (globalThis.access ?? "open") === "open";
}
