"""Who is asking, and what she may see."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Viewer"]


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person who asks, at the moment of asking.

    Parameters
    ----------
    now
        Seconds since 1970.
    proposals
        Identifiers, in lower case, of the proposals she is a member of.
    everything
        Sees all, whatever the embargo.
    """

    now: float
    proposals: frozenset[str] = frozenset()
    everything: bool = False

    def is_public(self, open_from: float | None) -> bool:
        """Say whether everybody may see what is open from that moment on."""
        return open_from is not None and open_from <= self.now
