# shellcheck shell=bash
# What deploy/setup, deploy/up and deploy/down share. Sourced, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
deploy=$root/deploy
# shellcheck disable=SC2034 # used by who sources this
venv=$root/.venv
PATH=$PATH:/usr/sbin:/sbin # Debian keeps nginx there, where a plain user's PATH doesn't look
me=deploy/${0##*/}
umask 022 # the unprivileged user must be able to read what is set up here

say() { printf '%s\n' "$@"; }
warn() { printf '%s\n' "$@" >&2; }
# The first line says what failed and why, the others what to do.
die() {
  warn "$me: $1" "${@:2}"
  exit 1
}

# Take the settings of the project's .env that the environment doesn't hold. The file is read, never executed.
# Says what is wrong with it, line by line, and fails then.
read_env() {
  local line name value number=0 sound=0
  local -A seen=()
  if [ -e "$root/.env" ]; then
    [ -r "$root/.env" ] || { warn "$root/.env can't be read by $(id -un)"; return 1; }
    while IFS= read -r line || [ -n "$line" ]; do
      number=$((number + 1))
      [[ $line =~ ^[[:space:]]*(#|$) ]] && continue
      if ! [[ $line =~ ^[[:space:]]*(TRADEWIRE_[A-Z0-9_]+)=(.*[^[:space:]])?[[:space:]]*$ ]]; then
        warn ".env, line $number: it is not of the form TRADEWIRE_NAME=VALUE" # the line may hold a secret
        sound=1
        continue
      fi
      name=${BASH_REMATCH[1]} value=${BASH_REMATCH[2]}
      [[ $value =~ ^\"(.*)\"$ || $value =~ ^\'(.*)\'$ ]] && value=${BASH_REMATCH[1]}
      if [ -n "${seen[$name]:-}" ]; then
        warn ".env, line $number: $name is already set in line ${seen[$name]}"
        sound=1
      fi
      seen[$name]=$number
      [ "$name" = TRADEWIRE_HOME ] && [[ $value != /* ]] && value=$root/$value
      [ -n "${!name+set}" ] || export "$name=$value"
    done <"$root/.env"
  fi
  home=$(realpath -ms -- "${TRADEWIRE_HOME:-$root/var}")
  export TRADEWIRE_HOME=$home
  return $sound
}

# Work in HOME, one at a time: a second deploy/up or deploy/down waits for the first.
enter_home() {
  cd "$home" || die "$home can't be entered by $(id -un)"
  exec {lock}<run
  flock -n "$lock" && return
  say "Another deploy/up or deploy/down is at work on $home; waiting for it."
  flock -w 120 "$lock" || die "the other one is still at work after two minutes" \
    "See who it is with: fuser -v $home/run"
}

# Run a command as another user: UID GID COMMAND… setpriv still has root's rights when it looks the command up, so a
# shell does that, without them.
# shellcheck disable=SC2016 # that other shell expands it
as_ids() { setpriv --reuid "$1" --regid "$2" --clear-groups -- /bin/sh -c 'exec "$0" "$@"' "${@:3}"; }

# Run a command with the rights of whoever owns a folder: root never acts on what others have written.
as_owner_of() {
  local uid gid
  read -r uid gid < <(stat -c '%u %g' -- "$1")
  if [ "$uid" = "$EUID" ]; then "${@:2}"; else as_ids "$uid" "$gid" "${@:2}"; fi
}

supervisord_lives() { [ -n "$(as_owner_of run "$deploy/part" --left run/supervisord.part)" ]; }

# The processes of the stack that live, whether supervisord does or not.
all_left() {
  as_owner_of run "$deploy/part" --left run/supervisord.part run/nginx.part
  as_owner_of sock "$deploy/part" --left sock/parts/*.part
}

# End the whole stack, by what its parts have recorded. supervisord ends them in their order, the way in first,
# each within 10 s. What is left after that, or was left when supervisord was killed, is ended here.
end_stack() {
  as_owner_of run "$deploy/part" --end 60 run/supervisord.part &&
    as_owner_of run "$deploy/part" --end 5 run/nginx.part &&
    as_owner_of sock "$deploy/part" --end 10 sock/parts/*.part
}
