"""Answers kept for a short time, for the person who got them and for nobody else."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field

__all__ = ["Answers", "answers"]

MOST_BYTES = 32_000_000
MOST_ANSWERS = 2000


@dataclass(slots=True)
class Answers:
    """Bodies of answers by whose they are and where they came from; the oldest go first when it is full.

    Parameters
    ----------
    most_bytes, most_answers
        Limits on what is kept, together.
    """

    most_bytes: int = MOST_BYTES
    most_answers: int = MOST_ANSWERS
    _kept: OrderedDict[tuple[bytes, str], tuple[float, bytes]] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, person: bytes, url: str, seconds: float) -> bytes | None:
        """Give the body of an answer that this person got from there not longer ago than so many seconds."""
        with self._lock:
            kept = self._kept.get((person, url))
        return kept[1] if kept is not None and time.monotonic() - kept[0] < seconds else None

    def put(self, person: bytes, url: str, body: bytes) -> None:
        """Keep an answer, if it is not larger than a quarter of everything."""
        if len(body) > self.most_bytes // 4:
            return
        with self._lock:
            self._drop((person, url))
            self._kept[person, url] = (time.monotonic(), body)
            self._bytes += len(body)
            while self._bytes > self.most_bytes or len(self._kept) > self.most_answers:
                self._drop(next(iter(self._kept)))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0

    def _drop(self, key: tuple[bytes, str]) -> None:
        _, body = self._kept.pop(key, (0.0, b""))
        self._bytes -= len(body)


answers = Answers()  # of this process
