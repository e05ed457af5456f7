/** The login at an OpenID Connect provider: the browser goes there, and comes back with a session or with a reason. */

const LOGIN = "/api/session/login";
const MARK = "#login=";
/** The API sends no longer path back. */
const PATH_CHARS_MAX = 2000;

/** The sentence for each reason that the API may give, and for the reason that a logout leaves. */
const REASONS: ReadonlyMap<string, (host: string) => string> = new Map(
  Object.entries({
    unknown: () =>
      "This login began in another window or at another address, or took longer than ten minutes. Log in again.",
    denied: (host) => `${host} did not let you in, or you said no there.`,
    refused: (host) => `${host} refused the login. The log of api-query says why.`,
    "bad-token": (host) =>
      `The answer of ${host} is not valid, so you are not logged in. The log of api-query says why.`,
    "no-groups": (host) =>
      `${host} knows you, but does not name your groups. An operator has to set that up: see docs/oidc.md.`,
    "no-role": () =>
      "None of your groups has a role here. An operator can give it one with TRADEWIRE_GROUP_ROLES.",
    "provider-away": (host) => `${host} does not answer. Try again in a moment.`,
    busy: () => "Too many people log in at this moment. Try again in a moment.",
    unavailable: () => "The server can’t keep a session at the moment. Try again in a moment.",
    "goes-on": (host) =>
      `You are logged out here. Your login at ${host} goes on: log out there, too, if others use this browser.`,
  }),
);

/** The provider's host; empty without a provider. */
export function providerHost(): string {
  return globalThis.provider ?? "";
}

/** The path that leads to the provider, and afterwards back to a path of the page. */
export function loginPath(path: string): string {
  const back = path.length <= PATH_CHARS_MAX ? path : "/";
  return `${LOGIN}?return=${encodeURIComponent(back)}`;
}

/** The sentence for the reason in the hash of an address; undefined if the hash has none. */
export function reasonIn(hash: string, host: string): string | undefined {
  return hash.startsWith(MARK) ? REASONS.get(hash.slice(MARK.length))?.(host) : undefined;
}

/** Puts a reason into the page's address. The page shows it when it is loaded again. */
export function leaveReason(reason: string): void {
  history.replaceState(history.state, "", `${location.pathname}${location.search}${MARK}${reason}`);
}

/** Takes the reason for being logged out from the page's address; empty if it has none. */
export function takeReason(): string {
  const reason = reasonIn(location.hash, providerHost());
  if (reason !== undefined) {
    history.replaceState(history.state, "", location.pathname + location.search);
  }
  return reason ?? "";
}
