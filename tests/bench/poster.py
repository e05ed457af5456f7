"""Posts at an even rate, in a process of its own; prints `id sent_ns` (monotonic clock) for each 201.

At last it prints the CPU seconds that posting took.
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
    begin, busy = time.monotonic(), time.process_time()
    lines = []
    for number, body in enumerate(bodies):
        time.sleep(max(0.0, begin + number / rate - time.monotonic()))
        sent = time.monotonic_ns()
        connection.request("POST", "/api/message", body)
        response = connection.getresponse()
        answer = response.read()
        if response.status == 201:
            lines.append(f"{json.loads(answer)['id']} {sent}")
    print(*lines, time.process_time() - busy, sep="\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
