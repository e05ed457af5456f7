"""Posts plausible trades evenly, in a process of its own; prints how many were answered 201."""

from __future__ import annotations

import asyncio
import re
import sys
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from deploy import demo

CONNECTIONS: Final = 8
_CONTENT_LENGTH: Final = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


async def post(port: int, rate: float, count: int) -> int:
    """Post `count` single messages, `rate` a second; return how many were accepted."""
    now = datetime.now(UTC)
    requests = [_request(trade.body(now)) for trade in islice(demo.trades(1), count)]
    numbers = iter(range(count))
    start = asyncio.get_running_loop().time()

    async def connection() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        accepted = 0
        for number in numbers:
            await asyncio.sleep(start + number / rate - asyncio.get_running_loop().time())
            writer.write(requests[number])
            header = await reader.readuntil(b"\r\n\r\n")
            length = _CONTENT_LENGTH.search(header)
            await reader.readexactly(int(length[1]) if length else 0)
            accepted += header.startswith(b"HTTP/1.1 201")
            if b"Connection: close" in header:  # nginx closes a connection after a thousand requests
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        return accepted

    return sum(await asyncio.gather(*(connection() for _ in range(CONNECTIONS))))


def _request(body: bytes) -> bytes:
    return b"POST /api/message HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


if __name__ == "__main__":
    print(asyncio.run(post(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))))
