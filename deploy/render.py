"""Check the settings, and render what nginx and supervisord need from them into TRADEWIRE_HOME.

    render.py            check, and say what is wrong: all of it, one fault a line. Writes nothing.
    render.py --write    check, make the folders, and write conf/

Prints what deploy/up needs to know, as NAME=VALUE lines. Exit status: 2 where a setting can't be used.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
import resource
import secrets
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deploy.capacity import OTHER_FILES, nginx_capacity
from tradewire.errors import SettingsError
from tradewire.limits import MAX_BATCH_BYTES, MAX_JOB_BYTES, MAX_MESSAGE_BYTES
from tradewire.queue.dead_letter import HEADER_BYTES
from tradewire.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parent.parent
LIVE = [f"live-{number}" for number in range(1, 9)]
"""The live processors that are defined."""


class Folder(NamedTuple):
    """One folder of TRADEWIRE_HOME."""

    name: str
    mode: int
    private: bool = False
    """Whether it belongs to the unprivileged user."""


FOLDERS = (
    Folder(".", 0o755),
    Folder("conf", 0o755),
    Folder("log", 0o750),
    Folder("run", 0o711),  # nginx's record and pid, and the way to command supervisord: a way to root
    Folder("tmp", 0o711),  # nginx's; it makes a folder for its workers in there
    Folder("queue", 0o700, private=True),
    Folder("store", 0o700, private=True),
    Folder("ledger", 0o700, private=True),
    Folder("metrics", 0o700, private=True),
    Folder("sock", 0o700, private=True),
)


def main() -> int:
    """Run the command."""
    try:
        settings = Settings.from_env(os.environ)
        if faults := _faults(settings):
            raise SettingsError(faults)
        said = _run(settings, write="--write" in sys.argv[1:])
    except SettingsError as error:
        sys.stderr.writelines(f"{fault}\n" for fault in error.faults)
        return 2
    except OSError as error:
        sys.stderr.write(f"{error.filename}: {error.strerror}\n")
        return 1
    sys.stdout.writelines(f"{name}={value}\n" for name, value in said.items())
    return 0


def _run(settings: Settings, *, write: bool) -> dict[str, str]:
    """Render, and write if asked to; return what deploy/up needs to know."""
    files = _render(settings)
    changes = _changes(settings.home / "conf", files)
    if write:
        _make_folders(settings)
        _make_token(settings)
        for name in changes:
            _write(settings.home / "conf" / name, files[name])
    return {
        "address": settings.address,
        "user": settings.user if _as_root() else "",
        "parts": " ".join(_parts(settings)),
        "changes": ", ".join(change for name in changes for change in changes[name]),
    }


def _as_root() -> bool:
    return os.geteuid() == 0


def _faults(settings: Settings) -> list[str]:
    """Say what can't be done with these settings on this machine."""
    faults = []
    if not re.fullmatch(r"[\w./+@-]+", str(ROOT), re.ASCII):
        faults.append(f"the project's path, {ROOT}, may hold only letters, digits and ./_+@-: move it")
    needed, allowed = settings.max_browsers + OTHER_FILES, _allowed_files(settings)
    if needed > allowed:
        faults.append(
            f"{PREFIX}MAX_BROWSERS={settings.max_browsers} needs {needed} file descriptors, and this machine "
            f"allows {allowed}: raise that (ulimit -Hn; LimitNOFILE= in systemd), or allow fewer browsers"
        )
    existing = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        faults.append(
            f"{settings.home} can't be used: {_user_name(os.geteuid())} may not write in {existing}; "
            f"choose another {PREFIX}HOME"
        )
        return faults
    return faults + [fault for folder in FOLDERS for fault in _folder_faults(settings, folder)]


def _allowed_files(settings: Settings) -> int:
    """Give how many files a process may have open; where it is in our power, enough for a single nginx worker."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = nginx_capacity(settings.max_browsers, sys.maxsize).files
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, hard)))
    except (ValueError, OSError):
        return hard
    return max(wanted, hard)


def _folder_faults(settings: Settings, folder: Folder) -> list[str]:
    """Say why a folder that is there already can't be used. Nothing is ever taken from another user."""
    path = settings.home / folder.name
    if not os.path.lexists(path):
        return []
    if not path.is_dir() or (path.is_symlink() and path != settings.home):
        return [f"{path} is in the way: it must be a folder; move it elsewhere"]
    found = path.stat().st_uid
    owner = _owner(settings, folder)
    # Where the user is only about to be made, nothing can belong to it.
    if owner and found == owner[0]:
        return []
    wanted = settings.user if folder.private and _as_root() else _user_name(os.geteuid())
    fault = (
        f"{path} belongs to {_user_name(found)}, and must belong to {wanted}: start as before, "
        f"choose another {PREFIX}HOME, or, with the stack down, run: chown -R {wanted} {path}"
    )
    return [fault]


def _owner(settings: Settings, folder: Folder) -> tuple[int, int] | None:
    """User and group that a folder must belong to; None if there is no such user yet."""
    if not (folder.private and _as_root()):
        return os.geteuid(), os.getegid()
    try:
        user = pwd.getpwnam(settings.user)
    except KeyError:
        return None
    return user.pw_uid, user.pw_gid


def _existing_owner(settings: Settings, folder: Folder) -> tuple[int, int]:
    owner = _owner(settings, folder)
    if owner is None:
        raise SettingsError([f"{PREFIX}USER={settings.user!r} can't be used: there is no such user"])
    return owner


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # as in a container that is started with a bare number
        return str(uid)


def _parts(settings: Settings) -> list[str]:
    """Name what must be running, as supervisord calls it."""
    processors = [f"processors:{name}" for name in LIVE[: settings.live_processors]]
    queue = ["beanstalkd"] if settings.own_queue else []
    return [*queue, "wsserver", "processors:archive", *processors, "api-ingest", "api-query", "nginx"]


def _render(settings: Settings) -> dict[str, str]:
    """Give the content of each file in conf/."""
    templates = Environment(
        loader=FileSystemLoader(ROOT / "deploy"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - not HTML; the settings allow no character that means anything here
    )
    nginx = nginx_capacity(settings.max_browsers, _allowed_files(settings))
    common = {**asdict(settings), "root": ROOT, "nginx": nginx}
    return {
        "nginx.conf": templates.get_template("nginx.conf").render(
            common,
            user=_nginx_user(settings),
            message_kib=MAX_MESSAGE_BYTES // 1024,
            batch_kib=MAX_BATCH_BYTES // 1024,
        ),
        "supervisord.conf": templates.get_template("supervisord.conf").render(
            common,
            part=ROOT / "deploy/part",
            python=ROOT / ".venv/bin/python",
            gunicorn=f"{ROOT}/.venv/bin/gunicorn -c {ROOT}/deploy",
            own_queue=settings.own_queue,
            job_bytes=MAX_JOB_BYTES + HEADER_BYTES,  # a buried event carries its reason
            live=LIVE,
            superuser="user=root" if _as_root() else "; user: who started it",
            runs_as=f"user={settings.user}" if _as_root() else "; user: who started supervisord",
        ),
        # What the running stack was started with, for people and for the next deploy/up.
        "settings": "".join(f"{PREFIX}{name.upper()}={value}\n" for name, value in asdict(settings).items()),
    }


def _nginx_user(settings: Settings) -> str:
    if not _as_root():
        return "# user: who started it"
    try:
        group = grp.getgrgid(pwd.getpwnam(settings.user).pw_gid).gr_name
    except KeyError:  # deploy/up makes the user after the first check, and its group with it
        group = settings.user
    return f"user {settings.user} {group};"


def _changes(conf: Path, files: dict[str, str]) -> dict[str, list[str]]:
    """Tell which files in conf/ are not as they shall be; of the settings, which ones."""
    changes = {}
    for name, text in files.items():
        try:
            before = (conf / name).read_text()
        except OSError:
            before = ""
        if before != text:
            lines = set(text.splitlines()) - set(before.splitlines())
            names = sorted(line.partition("=")[0] for line in lines)  # no values: a URL may hold a password
            changes[name] = names if name == "settings" else [name]
    return changes


def _make_folders(settings: Settings) -> None:
    for folder in FOLDERS:
        path = settings.home / folder.name
        path.mkdir(parents=True, exist_ok=True)
        if path != settings.home:  # that one may be opened or closed further by the operator
            path.chmod(folder.mode)
        os.chown(path, *_existing_owner(settings, folder))
    # In a folder that an unprivileged user owns, root writes nothing: the name could be a link to anywhere.
    user, group = _existing_owner(settings, FOLDERS[-1])
    subprocess.run(
        ["mkdir", "-p", "-m", "700", "sock/workers", "sock/parts"],
        cwd=settings.home,
        check=True,
        user=user if _as_root() else None,
        group=group if _as_root() else None,
        extra_groups=[] if _as_root() else None,
    )


def _make_token(settings: Settings) -> None:
    """Make the operator's token, unless there is one: what operators have noted down stays true."""
    if not settings.operator_token.exists():
        _write(settings.operator_token, secrets.token_urlsafe(32) + "\n")
    os.chown(settings.operator_token, *_existing_owner(settings, FOLDERS[-1]), follow_symlinks=False)


def _write(path: Path, text: str) -> None:
    """Replace a file as a whole, readable by its owner alone: a queue's URL may hold a password."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.replace(path)


if __name__ == "__main__":
    sys.exit(main())
