"""What the nginx of this machine can do."""

from __future__ import annotations

import re
import subprocess
from typing import Final

_HTTP2_DIRECTIVE: Final = (1, 25, 1)
"""The first version in which `http2` is a directive of its own. It warns of the parameter of `listen`."""


def has_http2_directive() -> bool:
    """Return whether nginx takes the directive `http2`; else `http2` is a parameter of `listen`."""
    done = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=True)
    found = re.search(r"nginx/(\d+)\.(\d+)\.(\d+)", done.stderr)
    return found is not None and tuple(map(int, found.groups())) >= _HTTP2_DIRECTIVE
