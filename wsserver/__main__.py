"""Start the WebSocket server: `python -m wsserver`."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
from typing import TYPE_CHECKING

from tradewire.errors import SettingsError
from tradewire.logging import setup
from tradewire.settings import Settings
from wsserver.server import WebSocketServer

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger


async def serve(settings: Settings, log: BoundLogger) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    server = WebSocketServer(settings, secrets.token_hex(8), log)
    await server.start()
    await stop.wait()
    log.info("stopping")
    await server.stop()
    log.info("stopped")


def main() -> int:
    """Run the server until it is stopped, and return the exit status."""
    log = setup("wsserver")
    try:
        settings = Settings.from_env(os.environ)
    except SettingsError as error:
        log.critical("settings", faults=list(error.faults))
        return 2
    os.umask(0o077)  # only this user may connect to the sockets
    asyncio.run(serve(settings, log))
    return 0


if __name__ == "__main__":
    sys.exit(main())
