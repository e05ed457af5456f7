"""The files in TRADEWIRE_HOME/conf: nginx's and supervisord's configuration, rendered from the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deploy import hosts, layout, own_queue, port, stack
from deploy.capacity import nginx_capacity, raise_file_limit
from deploy.checkout import BIN, PYTHON, ROOT, supervise_command
from deploy.privileges import group_of, is_root, program_user
from tradewire.limits import MAX_BATCH_BYTES, MAX_MESSAGE_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from tradewire.settings import Settings


def programs(settings: Settings) -> list[str]:
    """Name the programs that must run, as supervisord does."""
    queue = ["beanstalkd"] if settings.own_queue else []
    processors = [
        f"processors:{name}" for consumer in settings.consumers for name in consumer.programs[: consumer.processors]
    ]
    return [*queue, "wsserver", "keeper", "reconciler", *processors, "api-ingest", "api-query", "nginx", "guard"]


def render(settings: Settings) -> dict[str, str]:
    """Return the content of each file."""
    templates = Environment(
        loader=FileSystemLoader(ROOT / "deploy"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - not HTML; the settings allow no character with a meaning there
    )
    user = program_user(settings)
    nginx = nginx_capacity(settings.max_browsers, raise_file_limit(settings.max_browsers))
    common = {**vars(settings), "root": ROOT, "nginx": nginx}
    return {
        "nginx.conf": templates.get_template("nginx.conf").render(
            common,
            addresses=port.addresses(settings.listen),
            known_hosts=hosts.known(settings),
            # deploy/up makes the user before nginx starts, and with it a group of the same name.
            user=f"user {user} {group_of(user) or user};" if user else "# user: the one who started the stack",
            message_kib=MAX_MESSAGE_BYTES // 1024,
            batch_kib=MAX_BATCH_BYTES // 1024,
            shown_home=_shown_home(settings),
        ),
        "supervisord.conf": templates.get_template("supervisord.conf").render(
            common,
            python=PYTHON,
            supervise=" ".join(supervise_command()),
            records=stack.RECORDS,
            guard_record=stack.GUARD_RECORD,
            nginx_record=stack.NGINX_RECORD,
            gunicorn=f"{BIN}/gunicorn -c {ROOT}/deploy",
            own_queue=settings.own_queue,
            queue_room=f"{PYTHON} -IS {ROOT}/deploy/queue_room.py ",
            queue_command=" ".join(own_queue.command(settings)),
            superuser="user=root" if is_root() else "; user: the one who started the stack",
            runs_as=f"user={user}" if user else "; user: the one who started supervisord",
        ),
        # What the running stack was started with, for people and for the next deploy/up.
        "settings": "".join(f"{name}={value}\n" for name, value in settings.variables().items()),
    }


def _shown_home(settings: Settings) -> Path:
    """Return the stack's home as commands name it that are run in the project's folder."""
    return settings.home.relative_to(ROOT) if settings.home.is_relative_to(ROOT) else settings.home


def write(settings: Settings) -> None:
    """Write the files."""
    for name, text in render(settings).items():
        layout.write(settings.home / "conf" / name, text)


def changes(settings: Settings) -> list[str]:
    """Name what differs from the files in conf/: settings, and files whose template changed."""
    return [name for file, text in render(settings).items() for name in _changes(settings.home / "conf" / file, text)]


def _changes(path: Path, text: str) -> list[str]:
    try:
        before = path.read_text()
    except OSError:
        before = ""
    if before == text:
        return []
    if path.name != "settings":
        return [path.name]
    lines = set(text.splitlines()) - set(before.splitlines())
    return sorted(line.partition("=")[0] for line in lines)  # no values: a URL may hold a password
