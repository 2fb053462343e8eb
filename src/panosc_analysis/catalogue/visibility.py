"""Who is asking, and what she may see."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Condition", "Viewer"]


@dataclass(frozen=True, slots=True)
class Condition:
    """A part of an SQL condition with the values for its question marks."""

    sql: str
    values: tuple[object, ...] = ()


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

    @property
    def condition(self) -> Condition:
        """The condition on a row with the columns ``open_from`` and ``proposal``."""
        if self.everything:
            return Condition("TRUE")
        marks = ", ".join("?" * len(self.proposals))
        return Condition(f"(open_from <= ? OR proposal IN ({marks}))", (self.now, *sorted(self.proposals)))

    def is_public(self, open_from: float | None) -> bool:
        """Say whether everybody may see what is open from that moment on."""
        return open_from is not None and open_from <= self.now
