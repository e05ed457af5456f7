"""The settings of client certificates: `TRADEWIRE_CLIENT_…`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tradewire.setting_checks import file, listen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tradewire.consumer import Take


@dataclass(frozen=True)
class ClientCa:
    """The CAs whose client certificates count, and where nginx asks for them. It is false without CAs."""

    file: str = ""
    """The file with the certificates of the CAs. Empty: nginx asks for no client certificate."""
    listen: tuple[str, ...] = ()
    """Where nginx asks for a client certificate: each `ADDRESS:PORT`."""
    crl_file: str = ""
    """The file with a revocation list of each CA. Empty: only keys are revoked, and no certificates."""

    @classmethod
    def read(cls, take: Take) -> ClientCa:
        """Read the settings."""
        return cls(
            file=take("CLIENT_CA", cls.file, file),
            listen=take("CLIENT_LISTEN", cls.listen, listen),
            crl_file=take("CLIENT_CRL", cls.crl_file, file),
        )

    def __bool__(self) -> bool:
        return bool(self.file)

    def variables(self) -> dict[str, Any]:
        """Return the value of each setting, by the variable's name without `TRADEWIRE_`."""
        return {"CLIENT_CA": self.file, "CLIENT_LISTEN": self.listen, "CLIENT_CRL": self.crl_file}

    def faults(self, access: str, *, has_tls: bool, others: Iterable[str]) -> list[str]:
        """Return the faults of the settings together.

        Args:
            access: The mode of access.
            has_tls: Whether nginx has a certificate of its own.
            others: Each `ADDRESS:PORT` of nginx's other listeners.
        """
        if not self:
            return [f"TRADEWIRE_{name} needs TRADEWIRE_CLIENT_CA" for name, value in self.variables().items() if value]
        faults = [] if self.listen else ["TRADEWIRE_CLIENT_LISTEN must be set: TRADEWIRE_CLIENT_CA is"]
        if access == "open":
            faults.append(
                "TRADEWIRE_CLIENT_CA needs another TRADEWIRE_ACCESS than open, with which no certificate counts"
            )
        if not has_tls:
            faults.append("TRADEWIRE_CLIENT_CA needs TLS: TRADEWIRE_TLS_CERT and TRADEWIRE_TLS_KEY must be set")
        taken = {_port(address) for address in others}
        faults += [
            f"TRADEWIRE_CLIENT_LISTEN has port {number}, and so has another listener: choose another port"
            for number in sorted({_port(address) for address in self.listen} & taken)
        ]
        return faults


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


NO_CLIENT_CA: Final = ClientCa()
