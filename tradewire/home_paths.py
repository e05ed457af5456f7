"""The files and folders in a stack's home that several programs use."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tradewire import setting_checks

_ROOT: Final = Path(__file__).resolve().parent.parent
"""The project's folder."""


class HomePaths:
    """Names each of them below the home."""

    home: Path

    @property
    def shown_home(self) -> Path:
        """The home as commands name it that are run in the project's folder."""
        return self.home.relative_to(_ROOT) if self.home.is_relative_to(_ROOT) else self.home

    @property
    def counters(self) -> Path:
        """The folder of the ledger's files (`tradewire.ledger`), and of other counters."""
        return self.home / "ledger"

    @property
    def metrics(self) -> Path:
        """The folder with each process's counts for `/metrics`."""
        return self.home / "metrics"

    @property
    def operator_token(self) -> Path:
        """The file with the operator token. deploy/up creates it."""
        return self.home / "operator-token"

    @property
    def keys(self) -> Path:
        """The file of API keys. deploy/key writes it."""
        return self.home / "access/keys.json"

    @property
    def client_authorities(self) -> Path:
        """The file of the CAs whose client certificates count. deploy/up and deploy/reload write it."""
        return self.home / "tls/client-ca.json"

    @property
    def audit(self) -> Path:
        """The file of the audit trail. All processes of the host append to it."""
        return self.home / "audit/trail.jsonl"

    @property
    def audit_key(self) -> Path:
        """The file with the secret of the audit trail's HMACs. deploy/up creates it."""
        return self.home / "audit-key"

    @property
    def users(self) -> Path:
        """The file of local users. deploy/user writes it."""
        return self.home / "access/users.json"

    @property
    def sessions(self) -> Path:
        """The folder of the users' sessions, and of the browsers in which they logged in."""
        return self.home / "sessions"

    @property
    def grants(self) -> Path:
        """The folder of the provider's grants: one for each session."""
        return self.home / "sessions/granted"

    @property
    def key_use(self) -> Path:
        """The file that tells when each API key was used last."""
        return self.counters / "key-use"

    @property
    def issuer_keys(self) -> Path:
        """The file with the keys of the issuer that api-query has fetched."""
        return self.counters / "issuer-keys.json"

    @property
    def last_backup(self) -> Path:
        """The file that tells what came of the last backup that the keeper made."""
        return self.counters / "backup.json"

    @property
    def last_drill(self) -> Path:
        """The file that tells what came of the last drill of a backup."""
        return self.counters / "drill.json"

    @property
    def supervisor_states(self) -> Path:
        """The file with supervisord's state of each program."""
        return self.home / "sock/states.json"

    @property
    def ingest_socket(self) -> Path:
        """The unix socket of api-ingest, which accepts messages."""
        return self.home / "sock/api-ingest.sock"

    @property
    def query_socket(self) -> Path:
        """The unix socket of api-query, which answers everything else."""
        return self.home / "sock/api-query.sock"

    @property
    def browser_socket(self) -> Path:
        """The WebSocket server's unix socket for browsers. nginx proxies to it."""
        return self.home / "sock/browsers.sock"

    @property
    def worker_socket(self) -> Path:
        """The WebSocket server's unix socket for workers. nginx does not proxy to it."""
        return self.home / setting_checks.LONGEST_SOCKET
