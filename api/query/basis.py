"""The basis of an answer: the newest messages of a range, if they alone were read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from api.http.timestamps import Timestamp, timestamp_from_microseconds

if TYPE_CHECKING:
    from tradewire.store import views


class Basis(msgspec.Struct):
    """The newest messages of the range, which alone were read."""

    newest: Annotated[int, Meta(description="The number of messages read.", ge=0)]
    since: Annotated[
        Timestamp, Meta(description="Every message of the range received at this time or later was read, and no other.")
    ]


def basis_of(basis: views.Basis | None) -> Basis | None:
    """Return the store's basis in the API's form."""
    return basis and Basis(basis.newest, timestamp_from_microseconds(basis.since))
