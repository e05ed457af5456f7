/** Commands for operators, to be run in the project's folder on the server. */

/** Returns the command that starts a program. The stack's health has its home. */
export function startCommand(program: string, home: string): string {
  return `.venv/bin/supervisorctl -c ${home}/conf/supervisord.conf start ${program}`;
}

/** Returns the command that shows the operator token. */
export function tokenCommand(home: string): string {
  return `cat ${home}/operator-token`;
}

/** Returns the command that makes a key for posting. */
export function keyCommand(): string {
  return "deploy/key add alpha --role producer";
}

/** Returns a command that changes users. */
export function userCommand(what: string): string {
  return `deploy/user ${what}`;
}
