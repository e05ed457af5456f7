"""What deploy/up says when the stack is ready."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from deploy.checkout import BIN, ROOT

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
    down = short(ROOT / "deploy/down")
    if home != ROOT / "var":
        down = f"TRADEWIRE_HOME={short(home)} {down}"
    return f"""\
Tradewire is ready: {" and ".join(settings.addresses)}

  Post a trade   curl {settings.addresses[0]}api/message -d '{_EXAMPLE}'
  Status         {short(BIN / "supervisorctl")} -c {short(home / "conf/supervisord.conf")} status
  Logs           {short(home / "log")}
  Stop           {down}"""


def short(path: Path) -> str:
    """Write a path as seen from the operator's working folder, if that is shorter."""
    relative = os.path.relpath(path)
    if len(relative) >= len(str(path)):
        return str(path)
    return relative if "/" in relative else f"./{relative}"
