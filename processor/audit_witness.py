"""The witness of the audit trail: sends each record to syslog, and its count and head each minute.

A log on another machine then shows if the chain was rewritten or cut here. The keeper runs it.
"""

from __future__ import annotations

import errno
import json
import logging
import time
from contextlib import closing
from logging.handlers import SysLogHandler
from typing import TYPE_CHECKING, Any, Final

from tradewire.audit.chain import head_of
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from structlog.stdlib import BoundLogger

    from tradewire.audit.trail import Trail

_HEAD_SECONDS: Final = 60.0
_BATCH_BYTES: Final = 2**20
_SEND_SECONDS: Final = 1.0
"""How long a syslog that does not read may delay the keeper."""


class Syslog(SysLogHandler):
    """A connection to syslog.

    Args:
        address: The path of a unix socket, or `HOST:PORT` for UDP.

    Raises:
        OSError: It can't be made.
    """

    socket: socket.socket
    ident = "tradewire-audit: "
    append_nul = False

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        super().__init__(address if address.startswith("/") else (host.strip("[]"), int(port)), self.LOG_AUTHPRIV)
        self.socket.settimeout(_SEND_SECONDS)

    def send(self, text: str) -> None:
        """Send a message. Raises OSError."""
        self.emit(logging.makeLogRecord({"msg": text, "levelname": "INFO", "levelno": logging.INFO}))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002 - as the base class calls it
        """Raise the error that the base class is handling."""
        raise  # noqa: PLE0704 - it is raised elsewhere


class AuditWitness:
    """Follows the trail, and tells syslog of it. Each record is sent at least once, in their order.

    Args:
        trail: The trail.
        address: The address of syslog. Empty: nothing is sent.
        log: Gets a line when syslog takes nothing, when it does again, and when the trail was cut.
    """

    def __init__(self, trail: Trail, address: str, log: BoundLogger) -> None:
        self._trail = trail
        self._address = address
        self._log = log
        self._position_path: Path = trail.path.with_name("syslog-position")
        self._position: int | None = None
        """Up to which byte of the file the records were sent. None: not read yet."""
        self._head_at = 0.0
        """When to send the head next, on the monotonic clock."""
        self._is_away = False

    def step(self) -> None:
        """Send the new records, and each minute the count and the head."""
        if not self._address:
            return
        try:
            if self._position is None:
                self._position = self._read_position()
            size = self._trail.size()
            is_head_due = time.monotonic() >= self._head_at
            if size != self._position or is_head_due:
                with closing(Syslog(self._address)) as syslog:
                    self._send_records(syslog, self._position, size)
                    if is_head_due:
                        self._send_head(syslog)
                self._note()
        except (OSError, Unavailable) as error:
            self._note(str(error))

    def _send_head(self, syslog: Syslog) -> None:
        head = self._trail.head()
        syslog.send(json.dumps({"count": head.count, "head": head.mac}))
        self._head_at = time.monotonic() + _HEAD_SECONDS

    def _send_records(self, syslog: Syslog, position: int, size: int) -> None:
        if size < position:
            self._log.error("the end of the audit trail was cut off", bytes=position - size)
            syslog.send(json.dumps({"fault": "the end of the audit trail was cut off"}))
            position = size
        for line in self._trail.lines(position, _BATCH_BYTES):
            _send_record(syslog, line)
            position += len(line)
        if position != self._position:
            self._position = position
            self._position_path.write_text(f"{position}\n")

    def _read_position(self) -> int:
        """Return the position that an earlier process has noted. Without one, the trail is sent from its start."""
        try:
            return int(self._position_path.read_text())
        except (FileNotFoundError, ValueError):  # kill -9 may have left it empty
            return 0

    def _note(self, fault: str = "") -> None:
        """Log the beginning and the end of an outage."""
        if fault and not self._is_away:
            self._log.warning("syslog does not get the audit trail", reason=fault)
        if self._is_away and not fault:
            self._log.info("syslog gets the audit trail again")
        self._is_away = bool(fault)


def _send_record(syslog: Syslog, line: bytes) -> None:
    text = line.decode(errors="replace").rstrip("\n")
    try:
        syslog.send(text)
    except OSError as error:
        if error.errno != errno.EMSGSIZE:
            raise
        syslog.send(_shortened(text, line))


def _shortened(text: str, line: bytes) -> str:
    """Return a record without its details, or the beginning of a line that is no record."""
    if not head_of(line):
        return text[:1000]
    record: dict[str, Any] = json.loads(line)
    return json.dumps(record | {"details": "too long for syslog"}, separators=(",", ":"))
