/**
 * The login: covers the page while no viewer is logged in.
 *
 * It is a modal dialog that can't be dismissed, so nothing behind it can be seen or reached. The page keeps its state:
 * when the user is back, it goes on where it was.
 */

import type { Panel, View } from "../page.ts";
import { fromRoot, withinRoot } from "../root.ts";
import { userCommand } from "../server/control.ts";
import { isProxied } from "../server/identity-proxy.ts";
import { displayName, mayAudit, mayWatch, type Session, type SessionClient } from "../server/session.ts";
import { byId, setText } from "../ui/dom.ts";
import { bindLogOut } from "./log-out.ts";
import { loginPath, providerHost } from "./provider.ts";

const ENDED = "Your session ended: log in to go on. Trades go on coming in.";
const NOT_LOGGED_IN = "You are not logged in.";
const ENDED_AT_PROXY = "Your login at the proxy has ended: log in to go on. Trades go on coming in.";
const ADD_USER = "No user yet? On the server, in the project’s folder:";
const GIVE_ROLE = "An operator can give it on the server, in the project’s folder:";
const SET_GROUPS = "On the server, TRADEWIRE_GROUP_ROLES gives groups their roles.";
const SECOND_MS = 1000;

export class Login implements Panel {
  readonly #dialog = byId("login", HTMLDialogElement);
  readonly #title = byId("login-title", HTMLElement);
  readonly #reason = byId("login-reason", HTMLElement);
  readonly #form = byId("login-form", HTMLFormElement);
  readonly #name = byId("login-name", HTMLInputElement);
  readonly #password = byId("login-password", HTMLInputElement);
  readonly #fields = byId("login-fields", HTMLElement);
  readonly #error = byId("login-error", HTMLElement);
  readonly #wait = byId("login-wait", HTMLElement);
  readonly #submit = byId("login-submit", HTMLButtonElement);
  readonly #hint = byId("login-hint", HTMLElement);
  readonly #advice = byId("login-advice", HTMLElement);
  readonly #command = byId("login-command", HTMLElement);
  readonly #atProxy = byId("login-at-proxy", HTMLElement);
  readonly #reload = byId("login-reload", HTMLButtonElement);
  readonly #noRole = byId("login-no-role", HTMLElement);
  readonly #audit = byId("login-audit", HTMLElement);
  readonly #now: () => number;
  readonly #host = providerHost();
  #isOpen = false;
  #painted: Session | undefined;

  constructor(session: SessionClient, now: () => number) {
    this.#now = now;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#host === "") {
        this.#send(session);
      } else {
        location.assign(fromRoot(loginPath(withinRoot(location.pathname) + location.search)));
      }
    });
    byId("login-check", HTMLButtonElement).addEventListener("click", () => session.check());
    bindLogOut(byId("login-out", HTMLButtonElement), session);
    // The page itself passes the proxy, too, which shows its login first.
    this.#reload.addEventListener("click", () => location.reload());
    this.#dialog.addEventListener("cancel", (event) => event.preventDefault());
    this.#dialog.addEventListener("close", () => {
      // Escape, pressed twice, closes any dialog.
      if (this.#isOpen) {
        this.#dialog.showModal();
      }
    });
  }

  paint({ session }: Pick<View, "session">): void {
    const isOpen = !mayWatch(session) && session.phase !== "asking";
    this.#paintWait(session);
    const before = this.#painted;
    if (session === before) {
      return;
    }
    this.#painted = session;
    if (isOpen) {
      this.#paintContent(session);
    }
    this.#show(isOpen, session);
    if (before?.isBusy && !session.isBusy && isOpen) {
      this.#password.focus();
    }
  }

  #paintContent(session: Session): void {
    const lacksRole = session.phase === "in";
    setText(this.#title, lacksRole ? "No access" : "Log in");
    setText(this.#reason, reason(session));
    this.#reason.hidden = this.#reason.textContent === "";
    this.#form.hidden = lacksRole || isProxied();
    this.#atProxy.hidden = session.phase !== "out" || !isProxied();
    this.#fields.hidden = this.#host !== "";
    // A session that its provider can't confirm is away, and can end.
    this.#noRole.hidden = !(lacksRole || (session.phase === "away" && this.#host !== ""));
    this.#audit.hidden = !mayAudit(session);
    setText(this.#error, session.error);
    this.#error.hidden = session.error === "";
    this.#password.ariaInvalid = String(session.error !== "");
    setText(this.#submit, this.#label(session));
    this.#paintHint(session, lacksRole);
  }

  #paintHint(session: Session, lacksRole: boolean): void {
    if (isProxied() || this.#host !== "") {
      this.#hint.hidden = !lacksRole || session.name === "";
      setText(this.#advice, SET_GROUPS);
      return;
    }
    // Who was logged in needs no advice on how to become a user.
    this.#hint.hidden = session.name !== "" && !lacksRole;
    setText(this.#advice, lacksRole ? GIVE_ROLE : ADD_USER);
    setText(this.#command, userCommand(lacksRole ? withViewer(session) : "add NAME --role viewer"));
  }

  #paintWait({ lockedUntilMs }: Session): void {
    const seconds = Math.ceil((lockedUntilMs - this.#now()) / SECOND_MS);
    // Not part of the alert, or a screen reader would read it each second.
    setText(this.#wait, seconds > 0 ? `Try again in ${seconds} s.` : "");
    this.#wait.hidden = seconds <= 0;
    this.#submit.ariaDisabled = String(seconds > 0);
  }

  #show(isOpen: boolean, { name }: Session): void {
    if (isOpen === this.#isOpen) {
      return;
    }
    this.#isOpen = isOpen;
    this.#password.value = "";
    if (!isOpen) {
      this.#dialog.close();
      return;
    }
    this.#name.value = name;
    this.#dialog.showModal();
    if (!isProxied()) {
      this.#start(name).focus();
    }
  }

  #label({ isBusy }: Session): string {
    if (this.#host !== "") {
      return `Log in with ${this.#host}`;
    }
    return isBusy ? "Logging in…" : "Log in";
  }

  /** Where the reader begins. */
  #start(name: string): HTMLElement {
    if (this.#host !== "") {
      return this.#submit;
    }
    return name === "" ? this.#name : this.#password;
  }

  #send(session: SessionClient): void {
    const [name, password] = [this.#name.value.trim(), this.#password.value];
    if (name === "") {
      this.#name.focus();
    } else if (password === "") {
      this.#password.focus();
    } else if (this.#submit.ariaDisabled !== "true") {
      session.logIn(name, password);
      this.#password.value = "";
    }
  }
}

function withViewer({ name, roles }: Session): string {
  return `roles ${name} --role ${[...roles, "viewer"].join(",")}`;
}

function reason({ phase, name, roles, error, fault }: Session): string {
  if (phase === "away") {
    return `${fault} The page keeps trying.`;
  }
  if (phase === "in" && name === "") {
    return error;
  }
  if (phase === "in") {
    const listed = roles.length === 1 ? `the role ${roles[0]}` : `the roles ${roles.join(", ")}`;
    return `You are logged in as ${displayName(name)}, with ${listed}. This page needs the role viewer.`;
  }
  if (isProxied()) {
    return name === "" ? NOT_LOGGED_IN : ENDED_AT_PROXY;
  }
  return name === "" ? "" : ENDED;
}
