"""What is known about one implementation of the search API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from panosc_analysis.filters import Comparison

__all__ = ["Dialect"]

_EVERYWHERE = frozenset({"eq", "gt", "gte", "lt", "lte", "inq", "ilike"})
_SHOWN = ("instrument", "techniques", "samples")


@dataclass(frozen=True, slots=True)
class Dialect:
    """One implementation, as far as it decides what may be sent. The defaults hold for every implementation.

    A statement here is a promise that the server leaves out no record that the filter accepts. Where that is not
    certain, the condition is not sent, and the client reads more rows.

    Parameters
    ----------
    name
        As in the settings.
    title
        Which software this is.
    complete
        Evaluates the whole grammar as `panosc_analysis.filters` does: filters are sent as they are.
    operators
        Evaluated correctly on text, number and date fields.
    falsy
        An operator's operand may be 0 or false.
    nests
        ``and`` and ``or`` may stand inside each other.
    wildcards
        How "contains" is written around the text. With several, each is asked for: one of them is right.
    dates_in_texts
        Takes any text that JavaScript can read as a date for a date ("scan 1" is one).
    made_up_pids
        Shows a PID that it does not search ("pid:17") where there is none.
    distrusted
        Fields on which conditions are dropped, or mean something else than what the record then shows; as ``field`` or
        ``relation.field``.
    absent
        Fields, written in the same ways, that its records never have: an alternative that asks for one is never true.
    documents
        What the relation from a dataset to its documents is called; several are tried, none means that there is none.
    one_facility
        Every instrument shows the same facility, which cannot be asked for.
    shown
        Relations included so that a list of hits can show them.
    presence
        For a relation that cannot be included without a condition: one that each related record fulfils.
    parameters
        How far a condition on a parameter is sent: its name, or its name with a value of any kind.
    late
        Relations that are joined after the page was cut: a short or empty page is not the end.
    counts
        ``/count`` counts all records that fulfil a condition that was sent unchanged.
    """

    name: str
    title: str
    complete: bool = False
    operators: frozenset[str] = _EVERYWHERE
    falsy: bool = False
    nests: bool = False
    wildcards: tuple[str, ...] = ("{}",)
    dates_in_texts: bool = False
    made_up_pids: bool = False
    distrusted: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()
    documents: tuple[str, ...] = ()
    one_facility: bool = False
    shown: tuple[str, ...] = _SHOWN
    presence: Mapping[str, Comparison] = field(default_factory=dict)
    parameters: Literal["name", "name and value"] = "name"
    late: frozenset[str] = frozenset()
    counts: bool = False

    def trusts(self, kind: str, field: str) -> bool:
        """Say whether a condition on a field means what the field shows."""
        return not {field, f"{kind}.{field}"} & self.distrusted

    def lacks(self, kind: str, field: str) -> bool:
        """Say whether no record of that kind has the field."""
        return bool({field, f"{kind}.{field}"} & self.absent)
