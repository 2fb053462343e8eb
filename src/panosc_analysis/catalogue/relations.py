"""Which records lead to which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from panosc_analysis.errors import FilterError

if TYPE_CHECKING:
    from panosc_analysis.filters import Include

__all__ = ["LEADS_TO", "TO_ONE", "Kind", "check_relations"]

Kind: TypeAlias = Literal["Dataset", "Document", "Instrument"]

LEADS_TO: dict[str, Kind] = {
    "dataset": "Dataset",
    "datasets": "Dataset",
    "document": "Document",
    "documents": "Document",
    "instrument": "Instrument",
}
TO_ONE = frozenset({"instrument", "document", "person", "affiliation"})

_RELATIONS = {
    "Dataset": frozenset({"instrument", "techniques", "parameters", "samples", "files", "document", "documents"}),
    "Document": frozenset({"datasets", "members", "parameters"}),
    "Instrument": frozenset({"datasets"}),
    "members": frozenset({"person", "affiliation"}),
}


def check_relations(includes: tuple[Include, ...], holder: str, path: tuple[str, ...] = ()) -> None:
    """Make sure that what is included exists and does not lead back to where it came from.

    A circle (datasets → documents → datasets) would give every dataset all others with it.

    Raises
    ------
    FilterError
        An unknown relation, or a circle.
    """
    path = (*path, holder)
    for one in includes:
        allowed = _RELATIONS.get(holder, frozenset())
        if one.relation not in allowed:
            hint = f"Use one of {', '.join(sorted(allowed))}" if allowed else "Leave the inner include out"
            raise FilterError(f"{holder} has no relation {one.relation!r}", hint=hint)
        target = LEADS_TO.get(one.relation, one.relation)
        if target in path:
            raise FilterError(f"The include leads from {holder} back to {target}", hint="Ask for these records apart")
        if one.scope is not None:
            check_relations(one.scope.include, target, path)
