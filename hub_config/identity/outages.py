"""How long the provider has not been to be asked about each person. In memory: a new hub counts anew."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Outages"]


class Outages:
    """First failures of persons whose last question failed.

    Parameters
    ----------
    clock
        Seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[str, float] = {}

    def failed(self, name: str) -> float:
        """Note a failed question about `name`; returns seconds since the first of the row."""
        now = self._clock()
        return now - self._since.setdefault(name, now)

    def over(self, name: str) -> None:
        """Note a good answer about `name`."""
        self._since.pop(name, None)
