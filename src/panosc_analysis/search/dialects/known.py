"""The implementations of the search API that are in use, one short description for each.

Measured on running servers where that was possible (reference, SciCat provider), else read in their source.
"""

from __future__ import annotations

from panosc_analysis.errors import SettingsError
from panosc_analysis.filters import RELATIONS, Comparison
from panosc_analysis.search.dialects.dialect import Dialect

__all__ = ["COMMON", "DIALECTS", "dialect_named"]

# The reference may run with a service that turns each condition on techniques into one on their PaNET address, and so
# loses techniques that have none. Nobody outside can tell.
_TECHNIQUES = frozenset({"techniques.pid", "techniques.panetId", "techniques.name"})

# Whatever answers: only what all of the others evaluate, and no trust in any page's length.
COMMON = Dialect(
    name="common",
    title="any implementation",
    wildcards=("{}", "%{}%"),
    dates_in_texts=True,
    made_up_pids=True,
    distrusted=frozenset({"facility", "isPublic", "type"}) | _TECHNIQUES,
    documents=("documents", "document"),
    shown=("instrument",),
    late=RELATIONS,
)

# LoopBack 3 with a memory connector, panosc-eu/search-api. Patterns are regular expressions; a dataset has no relation
# to its documents; joins come after the limit; units are not converted.
REFERENCE = Dialect(
    name="reference",
    title="reference implementation (LoopBack 3)",
    falsy=True,
    nests=True,
    distrusted=_TECHNIQUES,
    late=RELATIONS,
    counts=True,
)

# SciCatProject/panosc-search-api over the SciCat backend. Unit filters use fields that the backend fills only on
# creation, and answer in three significant digits, so no unit is sent. `between`, `eq` and `neq` silently find nothing.
SCICAT = Dialect(
    name="scicat",
    title="SciCat provider",
    dates_in_texts=True,
    distrusted=frozenset({"facility", "documents.isPublic", "documents.type"}),
    absent=frozenset({"panetId", "samples.description"}),
    documents=("document",),
    one_facility=True,
    parameters="name and value",
    late=frozenset({"instrument", "files", "samples", "document", "documents", "datasets", "members"}),
)

# ILLGrenoble/panosc-search-api, LoopBack 4 over PostgreSQL. Patterns cover the whole text; values of parameters are
# compared as texts; an operand of 0 or false is lost.
ILL = Dialect(
    name="ill",
    title="ILL provider (LoopBack 4)",
    nests=True,
    wildcards=("%{}%",),
    absent=frozenset({"panetId"}),
    documents=("document",),
    counts=True,
)

# ral-facilities/datagateway-api over ICAT. isPublic is true in every answer whatever it was asked for; datasets without
# techniques or documents make an answer that includes these fail.
DATAGATEWAY = Dialect(
    name="datagateway",
    title="DataGateway API (ICAT)",
    falsy=True,
    nests=True,
    made_up_pids=True,
    distrusted=frozenset({"isPublic"}),
    absent=frozenset({"panetId"}),
    documents=("documents",),
    shown=("instrument", "samples"),
    presence={"techniques": Comparison("name", "neq", "-"), "documents": Comparison("title", "neq", "-")},
    counts=True,
)

OURS = Dialect(
    name="panosc-analysis", title="panosc-analysis catalogue", complete=True, documents=("documents",), counts=True
)

DIALECTS = {one.name: one for one in (COMMON, REFERENCE, SCICAT, ILL, DATAGATEWAY, OURS)}


def dialect_named(name: str) -> Dialect:
    """Give a dialect by its name.

    Raises
    ------
    SettingsError
        There is none of that name.
    """
    try:
        return DIALECTS[name]
    except KeyError:
        raise SettingsError(
            f"There is no search API dialect {name[:60]!r}", hint=f"Use one of {', '.join(DIALECTS)}"
        ) from None
