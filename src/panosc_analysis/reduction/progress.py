"""How far a reduction is, and how to stop it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

__all__ = ["CancelToken", "Meter", "Progress"]

_SPAN = 5.0  # seconds over which the rate is taken


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is.

    Parameters
    ----------
    done, total
        In `unit`.
    rate
        Per second, over the last seconds.
    remaining
        Seconds that it will still take at this rate; ``None`` as long as there is no rate.
    unit
        What is counted.
    waiting
        For what it waits; empty while it works.
    """

    done: int
    total: int
    rate: float
    remaining: float | None
    unit: str = "frames"
    waiting: str = ""


class CancelToken:
    """Asks a reduction to stop; may be set from any thread, once."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Stop the reduction after the frames that are being worked on."""
        self._event.set()

    def is_set(self) -> bool:
        """Whether it was asked to stop."""
        return self._event.is_set()


class Meter:
    """Counts what all threads have done."""

    def __init__(self, total: int, unit: str = "frames") -> None:
        self._total, self._unit, self._done, self._lock = total, unit, 0, threading.Lock()
        self._seen = [(time.monotonic(), 0)]

    def add(self, frames: int) -> None:
        """Count frames as done; from any thread."""
        with self._lock:
            self._done += frames

    def reach(self, done: int, total: int) -> None:
        """Set how far it is and how far it goes, where both are known."""
        with self._lock:
            self._done, self._total = done, total

    def read(self) -> Progress:
        """Tell how far it is; for one thread."""
        now = time.monotonic()
        with self._lock:
            done = self._done
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[1][0] > _SPAN:
            self._seen.pop(0)
        before, elapsed = self._seen[0][1], now - self._seen[0][0]
        rate = (done - before) / elapsed if elapsed > 0 else 0.0
        return Progress(done, self._total, rate, (self._total - done) / rate if rate else None, self._unit)
