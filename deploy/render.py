"""The files in TRADEWIRE_HOME/conf: nginx's and supervisord's configuration, rendered from the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deploy import client_ca, hosts, layout, nginx, own_queue, port, stack, tls, urls
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
    nginx = port.nginx_programs(settings.listen)
    processors = [
        f"processors:{name}" for consumer in settings.consumers for name in consumer.programs[: consumer.processors]
    ]
    return [*queue, "wsserver", "keeper", "reconciler", *processors, "api-ingest", "api-query", *nginx, "guard"]


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
    clients = settings.max_browsers + settings.max_posts
    capacity = nginx_capacity(clients, raise_file_limit(clients))
    common = {**vars(settings), "root": ROOT, "nginx": capacity}
    nginx_programs = port.nginx_programs(settings.listen)
    encrypted = {"nginx"} if settings.has_tls else set()  # nginx-loopback, if there is one, stays without TLS
    nginx_files = {
        f"{program}.conf": templates.get_template("nginx.conf").render(
            common,
            program=program,
            addresses=addresses,
            # An address of one nginx may include an address of the other. A connection is for the more exact one.
            reuseport=" reuseport" if len(nginx_programs) > 1 else "",
            known_hosts=hosts.known(settings),
            public_origin=settings.public_origin,
            public_path=settings.public_path,
            user=_nginx_user(user, has_key=program in encrypted),
            is_encrypted=program in encrypted,
            has_http2_directive=settings.has_tls and nginx.has_http2_directive(),
            redirect_addresses=port.addresses(settings.redirect_listen),
            client_addresses=port.addresses(settings.client_ca.listen) if program in encrypted else [],
            client_certificate="$client_certificate" if settings.client_ca and program in encrypted else "",
            client_ca_folder=client_ca.folder(settings.home),
            redirect_target=urls.redirect_target(settings),
            message_kib=MAX_MESSAGE_BYTES // 1024,
            batch_kib=MAX_BATCH_BYTES // 1024,
        )
        for program, addresses in nginx_programs.items()
    }
    return {
        **nginx_files,
        "supervisord.conf": templates.get_template("supervisord.conf").render(
            common,
            python=PYTHON,
            supervise=" ".join(supervise_command()),
            records=stack.RECORDS,
            guard_record=stack.GUARD_RECORD,
            nginx_programs=nginx_programs,
            gunicorn=f"{BIN}/gunicorn -c {ROOT}/deploy",
            own_queue=settings.own_queue,
            queue_command=" ".join(own_queue.command(settings)),
            superuser="user=root" if is_root() else "; user: the one who started the stack",
            runs_as=f"user={user}" if user else "; user: the one who started supervisord",
        ),
        # What the running stack was started with, for people and for the next deploy/up.
        "settings": "".join(f"{name}={value}\n" for name, value in settings.variables().items()),
    }


def _nginx_user(user: str | None, *, has_key: bool) -> str:
    """Return the line that says as whom nginx's workers run. deploy/up makes user and groups before nginx starts."""
    if user is None:
        return "# user: the one who started the stack"
    return f"user {user} {tls.GROUP if has_key else group_of(user) or user};"


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
