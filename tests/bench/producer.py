"""Posts messages evenly, in a process of its own; prints `id sent_ns` (monotonic clock) for each 201.

The last line that it prints is the CPU seconds that posting took.
"""

from __future__ import annotations

import http.client
import json
import sys
import time

from tests.bench.trades import trades


def main(port: int, rate: float, count: int) -> None:
    """Post `count` messages, `rate` a second."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    bodies = trades(count)
    start, cpu_start = time.monotonic(), time.process_time()
    lines = []
    for number, body in enumerate(bodies):
        time.sleep(max(0.0, start + number / rate - time.monotonic()))
        sent_ns = time.monotonic_ns()
        connection.request("POST", "/api/message", body)
        response = connection.getresponse()
        response_body = response.read()
        if response.status == 201:
            lines.append(f"{json.loads(response_body)['id']} {sent_ns}")
    print(*lines, time.process_time() - cpu_start, sep="\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
