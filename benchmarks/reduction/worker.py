"""Runs one case, in a process of its own that does as it is told on its standard input.

A line ``FRAMES FILE`` runs it on so many frames and writes what came out to a file (``-`` for nowhere); each is
answered with a line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


def main(group: str, case: str, path: str) -> None:
    # What libraries print goes to the other channel.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        run = _prepared(group, case, Path(path))
    except ImportError as error:
        answers.write(json.dumps({"missing": str(error)}) + "\n")
        return
    answers.write(json.dumps({"ready": True}) + "\n")
    for line in sys.stdin:
        frames, _, to = line.strip().partition(" ")
        start = time.perf_counter()
        values = run(int(frames))
        wall = time.perf_counter() - start
        if to != "-":
            np.savez(to, **values)
        answers.write(json.dumps({"wall": wall}) + "\n")


def _prepared(group: str, case: str, path: Path) -> Any:
    from benchmarks.reduction.groups import GROUPS

    return next(found for found in GROUPS[group].cases if found.name == case).make(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
