"""What a session would find, seen from a pod like one: its mounts, and what it reaches. Prints JSON for the examiner.

``python -I -m hub_config.spawning.probe QUESTIONS`` reads JSON and writes the answers to the pod's termination message,
for which nobody needs the right to read logs. Standard library only.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from hub_config.spawning.mounted import mount_points
from hub_config.spawning.session import writable_mounts

__all__ = ["answers"]

PATIENCE = 4.0
# Rules reach a new pod's network some moments after the pod has started.
ROUNDS, PAUSE = 6, 2.0
MESSAGE = "/dev/termination-log"


def answers(questions: dict[str, Any], mountinfo: str) -> dict[str, Any]:
    """Look at every mount that is named, and knock at every address.

    Parameters
    ----------
    questions
        ``mounts``: directories. ``addresses``: by name, host and port; a host that begins with ``$`` is a variable.
        ``closed``: names of those that should not answer. It is knocked again until all is as it should be.
    mountinfo
        Text of ``/proc/self/mountinfo``.
    """
    for number in range(ROUNDS):
        reached = _round(questions["addresses"])
        if all(bool(why) == (name in questions["closed"]) for name, why in reached.items()):
            break
        if number < ROUNDS - 1:
            time.sleep(PAUSE)
    return {"mounts": {name: _mount(Path(name), mountinfo) for name in questions["mounts"]}, "reached": reached}


def _round(addresses: dict[str, tuple[str, int]]) -> dict[str, str]:
    with ThreadPoolExecutor(16) as pool:
        return dict(zip(addresses, pool.map(_reached, addresses.values()), strict=True))


def _mount(place: Path, mountinfo: str) -> dict[str, Any]:
    """Say whether something is mounted there, whether all of it is read-only, and whether a write is refused."""
    name = place / ".written-by-panosc-doctor"
    try:
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    except OSError as error:
        refused = error.strerror
    else:
        os.close(descriptor)
        name.unlink()
        refused = ""
    return {
        "mounted": any(point == place for point, _ in mount_points(mountinfo)),
        "writable": writable_mounts(place, mountinfo)[:8],
        "refused": refused,
    }


def _reached(address: tuple[str, int]) -> str:
    """Connect; return nothing if that went, otherwise why not."""
    host, port = address
    host = os.environ.get(host[1:], "") if host.startswith("$") else host
    try:
        socket.create_connection((host, port), timeout=PATIENCE).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""


if __name__ == "__main__":
    found = answers(json.loads(sys.argv[1]), Path("/proc/self/mountinfo").read_text(encoding="utf-8"))
    Path(MESSAGE).write_text(json.dumps(found), encoding="utf-8")
