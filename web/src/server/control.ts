/** Commands for operators, to be run in the project's folder on the server. */

declare global {
  /** The stack's home, as commands in the project's folder name it. nginx serves it in settings.js. */
  var stackHome: string | undefined;
}

/** Returns the command that starts a program. */
export function startCommand(program: string): string {
  return `.venv/bin/supervisorctl -c ${home()}/conf/supervisord.conf start ${program}`;
}

/** Returns the command that shows the operator token. */
export function tokenCommand(): string {
  return `cat ${home()}/operator-token`;
}

function home(): string {
  return globalThis.stackHome ?? "var";
}
