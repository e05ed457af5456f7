/** The menu in the header: it names the user, and logs out. With open access it is not there. */

import type { Panel, View } from "../page.ts";
import { isProxied } from "../server/identity-proxy.ts";
import { displayName, type Session, type SessionClient } from "../server/session.ts";
import { byId, setText } from "../ui/dom.ts";
import { bindLogOut } from "./log-out.ts";

export class Account implements Panel {
  readonly #menu = byId("account", HTMLDetailsElement);
  readonly #name = byId("account-name", HTMLElement);
  readonly #roles = byId("account-roles", HTMLElement);
  readonly #error = byId("account-error", HTMLElement);
  #painted: Session | undefined;

  constructor(session: SessionClient) {
    bindLogOut(byId("log-out", HTMLButtonElement), session);
    const everywhere = byId("log-out-everywhere", HTMLButtonElement);
    everywhere.hidden = isProxied();
    everywhere.addEventListener("click", () => session.logOut(true));
  }

  paint({ session }: Pick<View, "session">): void {
    if (session === this.#painted) {
      return;
    }
    this.#painted = session;
    this.#menu.hidden = session.phase === "open" || session.name === "";
    setText(this.#name, displayName(session.name));
    this.#name.title = session.name;
    setText(this.#roles, session.roles.join(", "));
    setText(this.#error, session.phase === "in" ? session.error : "");
  }
}
