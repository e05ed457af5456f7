"""What deploy/up says when the stack is ready."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from deploy import self_signed, urls
from deploy.checkout import BIN, ROOT
from tradewire import certificate

if TYPE_CHECKING:
    from pathlib import Path

    from tradewire.settings import Settings

_EXAMPLE = (
    '{"userId": "134259", "currencyFrom": "EUR", "currencyTo": "GBP", "amountSell": 1000, "amountBuy": 747.10, '
    '"rate": 0.7471, "timePlaced": "24-JAN-15 10:27:44", "originatingCountry": "FR"}'
)


def welcome(settings: Settings) -> str:
    """Return the text: the address, and the commands that the operator needs next."""
    home = settings.home
    of_home = "" if home == ROOT / "var" else f"TRADEWIRE_HOME={short(home)} "
    key, user, down = (f"{of_home}{short(ROOT / 'deploy' / name)}" for name in ("key", "user", "down"))
    needs_key = settings.access != "open"
    token = '-H "Authorization: Bearer $TOKEN" ' if needs_key else ""
    first = f"  Make a key     {key} add alpha --role producer\n" if needs_key else ""
    if settings.access == "keys":
        first += f"  Add a user     {user} add alice --role viewer\n"
    own, others = urls.on_this_machine(settings), urls.for_others(settings)
    elsewhere = f"; for others: {' and '.join(others)}" if others else ""
    trust = f"--cacert {short(certificate.installed(home))} " if _needs_trust(settings, own[0]) else ""
    return f"""\
Tradewire is ready: {" and ".join(own)}{elsewhere}

{first}  Post a trade   curl {trust}{token}{own[0]}api/message -d '{_EXAMPLE}'
  Status         {short(BIN / "supervisorctl")} -c {short(home / "conf/supervisord.conf")} status
  Logs           {short(home / "log")}
  Stop           {down}"""


def _needs_trust(settings: Settings, url: str) -> bool:
    """Return whether curl has to be told to trust the certificate."""
    return url.startswith("https:") and self_signed.is_chosen(settings)


def short(path: Path) -> str:
    """Write a path as seen from the operator's working folder, if that is shorter."""
    relative = os.path.relpath(path)
    if len(relative) >= len(str(path)):
        return str(path)
    return relative if "/" in relative else f"./{relative}"
