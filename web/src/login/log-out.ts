/** The buttons that log out: here, or at the proxy in front that has logged the user in. */

import { isProxied, logOutAddress } from "../server/identity-proxy.ts";
import type { SessionClient } from "../server/session.ts";

/** Lets a button log out. It is not there if it can't. */
export function bindLogOut(button: HTMLButtonElement, session: SessionClient): void {
  button.hidden = isProxied() && logOutAddress() === "";
  button.addEventListener("click", () =>
    isProxied() ? location.assign(logOutAddress()) : session.logOut(false),
  );
}
