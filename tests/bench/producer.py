"""Posts marked messages evenly, in a process of its own; prints `mark sent_ns answered_ns` for each 201.

Times are of the monotonic clock. The last line that it prints is the CPU seconds that posting took.
"""

from __future__ import annotations

import http.client
import sys
import time
import uuid

from tests.bench.trades import marked, trades


def main(port: int, rate: float, count: int) -> None:
    """Post `count` messages, `rate` a second."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    marks = [str(uuid.uuid4()) for _ in range(count)]
    bodies = [marked(body, mark) for body, mark in zip(trades(count), marks, strict=True)]
    start, cpu_start = time.monotonic(), time.process_time()
    lines = []
    for number, (body, mark) in enumerate(zip(bodies, marks, strict=True)):
        time.sleep(max(0.0, start + number / rate - time.monotonic()))
        sent_ns = time.monotonic_ns()
        connection.request("POST", "/api/message", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        if response.status == 201:
            lines.append(f"{mark} {sent_ns} {time.monotonic_ns()}")
    print(*lines, time.process_time() - cpu_start, sep="\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
