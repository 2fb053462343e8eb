"""How long a server takes for the smallest question, asked from a process of its own until its input is closed.

    python -m benchmarks.viewing.pulse HOST PORT

In the process that presses the keys the clock would stand still with them.
"""

from __future__ import annotations

import http.client
import json
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

EVERY = 0.05  # seconds between two questions


@contextmanager
def pulse(url: str) -> Iterator[list[float]]:
    """Ask `url` meanwhile; the list has the answers' seconds when the block is over."""
    address = urlsplit(url)
    command = [sys.executable, "-m", __spec__.name, str(address.hostname), str(address.port)]
    found: list[float] = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it has begun
        yield found
        found += json.loads(process.communicate()[0])


def main() -> None:
    connection = http.client.HTTPConnection(sys.argv[1], int(sys.argv[2]), timeout=60)
    found = []
    print(flush=True)
    while not select.select([sys.stdin], [], [], EVERY)[0]:
        start = time.perf_counter()
        connection.request("GET", "/api")
        connection.getresponse().read()
        found.append(time.perf_counter() - start)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
