"""Take a new certificate, and new CAs of clients, while the stack runs.

It needs no setting but TRADEWIRE_HOME: the others are those the stack runs with. Programs that renew certificates run
this command, with an environment of their own.
"""

from __future__ import annotations

import os
import sys
from http.client import HTTPException
from typing import TYPE_CHECKING, Final

from deploy import ca_files, client_ca, console, environment, home_version, tls, urls
from deploy.checkout import ROOT
from deploy.console import Failure, say, warn
from deploy.own_http import connection_to
from deploy.stack import Stack
from tradewire.access.client_ca import ClientCa
from tradewire.errors import SettingsError
from tradewire.settings import PREFIX, Settings

if TYPE_CHECKING:
    from pathlib import Path

    from deploy.ca_files import Authorities

_HANDSHAKE_SECONDS: Final = 10.0


def reload() -> None:
    """Check the new pair and CAs, copy them for nginx, and look whether nginx serves the pair."""
    if sys.argv[1:]:
        usage = f"Usage: deploy/reload, with TRADEWIRE_HOME set for a stack other than the one in {ROOT}/var"
        raise Failure(f"{sys.argv[1]} is not an option", usage)
    home = environment.read(os.environ).home
    if not (home / "run").is_dir():
        raise Failure(f"no stack was ever started in {home}", "Run deploy/up first.")
    home_version.check_not_newer(home)
    stack = Stack(home)
    with stack.lock():
        if not stack.runs():
            say(f"Tradewire does not run in {home}. The next deploy/up takes the certificate.")
            return
        settings = _settings_it_runs_with(home)
        if not settings.has_tls:
            raise Failure(
                f"the stack in {home} has no certificate",
                f"Set {PREFIX}TLS_CERT and {PREFIX}TLS_KEY, then run deploy/down and deploy/up.",
            )
        pair, authorities = _new_pair(settings), _new_authorities(settings)
        if authorities:
            client_ca.install(settings, authorities, is_start=False)
        tls.install(settings, pair)
        _check_served(settings)
        warn(*authorities.warnings if authorities else [])
    say(f"nginx serves the certificate that expires on {pair.expiry:%Y-%m-%d}. No connection was ended.")
    if authorities:
        say(f"Client certificates count of: {'; '.join(authorities.trusted) or 'no CA'}.")


def _settings_it_runs_with(home: Path) -> Settings:
    """Return the settings that TLS needs, as deploy/up wrote them down."""
    written = environment.assignments(home / "conf/settings")
    return Settings(
        home=home,
        listen=tuple(written.get(f"{PREFIX}LISTEN", "").split(",")),
        tls_cert=written.get(f"{PREFIX}TLS_CERT", ""),
        tls_key=written.get(f"{PREFIX}TLS_KEY", ""),
        client_ca=ClientCa(file=written.get(f"{PREFIX}CLIENT_CA", ""), crl_file=written.get(f"{PREFIX}CLIENT_CRL", "")),
    )


def _new_pair(settings: Settings) -> tls.Pair:
    """Return the new pair. Raise Failure if it can't be used, or has expired."""
    try:
        pair = tls.read(settings)
        faults = list(tls.warnings(pair))
    except SettingsError as error:
        faults = list(error.faults)
    if faults:
        raise Failure(faults[0], *faults[1:], "Nothing was changed: nginx goes on with the certificate that it has.")
    return pair


def _new_authorities(settings: Settings) -> Authorities | None:
    """Return the new CAs; None if the stack has none. Raise Failure if they, or their lists, can't be used."""
    if not settings.client_ca:
        return None
    try:
        found = ca_files.read(settings)
        faults = found.expired_lists
    except SettingsError as error:
        faults = list(error.faults)
    if faults:
        raise Failure(faults[0], *faults[1:], "Nothing was changed: the stack goes on with the CAs that it has.")
    return found


def _check_served(settings: Settings) -> None:
    """Check that nginx serves the new certificate, wherever this machine can ask it."""
    for url in urls.probes(settings):
        if url.startswith("https:"):
            connection = connection_to(settings.home, url, _HANDSHAKE_SECONDS)
            try:
                connection.connect()
            except (OSError, HTTPException) as error:
                raise Failure(f"{url} does not serve the new certificate: {error}", "See log/nginx.log.") from error
            finally:
                connection.close()


if __name__ == "__main__":
    sys.exit(console.run("deploy/reload", reload))
