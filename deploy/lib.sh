# shellcheck shell=bash
# What deploy/setup, deploy/up and deploy/down share. Sourced, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# shellcheck disable=SC2034 # for the scripts that source this
deploy=$root/deploy
venv=$root/.venv
PATH=$PATH:/usr/sbin:/sbin # Debian has nginx there, and a plain user's PATH lacks it
me=deploy/${0##*/}
umask 022 # the unprivileged user must be able to read the files that are made here

say() { printf '%s\n' "$@"; }
warn() { printf '%s\n' "$@" >&2; }
# The first line says what failed and why, the others what to do.
die() {
  warn "$me: $1" "${@:2}"
  exit 1
}

# Replace this shell with a module of deploy/: PYTHON MODULE ARGUMENT…
become() {
  PYTHONPATH=$root PYTHONDONTWRITEBYTECODE=1 exec "$1" -P -m "${@:2}" # -P: import nothing from the working folder
}

# Print a Python for deploy/up.py and deploy/down.py. They need no packages, so if .venv is missing or broken, any other
# Python of this machine will do.
any_python() {
  if "$venv/bin/python" -c '' 2>/dev/null; then echo "$venv/bin/python"; else find_python; fi
}

# Print the first Python that is new enough and can make a .venv. If root starts the stack, its programs run as another
# user, who must be able to run that Python: one below /root won't do.
find_python() {
  local name found as=()
  # setpriv still has root's rights when it looks the command up. So a shell does that, without them, as user nobody.
  # shellcheck disable=SC2016 # for that shell to expand
  [ "$EUID" != 0 ] || as=(setpriv --reuid 65534 --regid 65534 --clear-groups -- /bin/sh -c 'exec "$0" "$@"')
  for name in python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
    # The command in PATH may be a wrapper, such as pyenv's. .venv must be made from the program itself.
    found=$("$name" -c 'import os, sys; print(os.path.realpath(sys.executable))' 2>/dev/null) || continue
    if (cd / && "${as[@]}" "$found" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))') 2>/dev/null; then
      echo "$found"
      return
    fi
  done
  return 1
}
