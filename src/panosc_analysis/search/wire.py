"""What is sent for a filter, in the dialect of whoever is asked.

What is sent never leaves out what the filter accepts (see `panosc_analysis.search.dialects`); the answer is judged by
the filter itself. One filter may become several requests: a long list is split, and a dialect that is not known is
asked in each spelling. A relation is named once, for some servers read only the first, and some require of one and the
same related record what was asked of two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby

from panosc_analysis.filters import And, Comparison, Filter, Include, Or, Where
from panosc_analysis.search.dialects import Dialect
from panosc_analysis.search.dialects.conditions import flattened, widened
from panosc_analysis.search.splitting import LONGEST_OF_SEVERAL, split

__all__ = ["Entity", "Sent", "asks_for_documents", "bare", "counts", "requests", "through_documents"]

DOCUMENTS = frozenset({"document", "documents"})
_TO_ONE = frozenset({"instrument"})

Entity = str  # Datasets, Documents or Instruments, as in the address
_KINDS = {"Datasets": "datasets", "Documents": "documents", "Instruments": "instrument"}


@dataclass(frozen=True, slots=True)
class Sent:
    """One request, to be turned page by page.

    Parameters
    ----------
    filter
        What is sent.
    rows
        The same without what is joined after a page was cut; it tells how many rows a page went through. ``None`` if
        pages can be believed.
    """

    filter: Filter
    rows: Filter | None = None


def requests(filter: Filter, entity: Entity, dialect: Dialect, *, documents: str = "documents") -> list[Sent]:
    """Give what is sent for a filter: conditions as far as the dialect has them, and the relations that hits show.

    Parameters
    ----------
    filter
        What is asked for.
    entity
        Whose records.
    dialect
        How it may be said.
    documents
        What the relation to documents is called.
    """
    shown = dialect.shown if entity == "Datasets" else ()
    if dialect.complete:
        whole = Filter(filter.where, _with_shown(filter.include, shown))
        return [Sent(one) for one in split(whole)]
    where = widened(filter.where, _KINDS[entity], dialect)
    narrow = Filter(where, _with_shown(_includes(filter.include, dialect, documents), shown))
    return [_sent(one, entity, dialect) for spelled in _spellings(narrow, dialect) for one in split(spelled)]


def bare(filter: Filter, entity: Entity, dialect: Dialect, *, documents: str = "documents") -> Sent:
    """Give the least that can be sent: no condition, and only those relations that must be judged."""
    names = dict.fromkeys(_name(one.relation, documents) for one in filter.include)
    if entity == "Datasets":  # some servers fail on datasets without any relation
        names["instrument"] = None
    return _sent(Filter(include=tuple(_present(name, dialect) for name in names)), entity, dialect)


def through_documents(filter: Filter, dialect: Dialect) -> list[Sent]:
    """Give the requests for documents that lead to the same datasets, where no relation leads from these to those."""
    scopes = tuple(one.scope for one in filter.include if one.relation in DOCUMENTS)
    wanted = tuple(scope.where for scope in scopes if scope is not None and scope.where is not None)
    names = dict.fromkeys(("instrument", *(one.relation for one in filter.include if one.relation not in DOCUMENTS)))
    scope = Filter(include=tuple(_present(name, dialect) for name in names))
    narrow = Filter(widened(And(wanted), "documents", dialect), (Include("datasets", scope),))
    return [_sent(one, "Documents", dialect) for spelled in _spellings(narrow, dialect) for one in split(spelled)]


def counts(where: Where | None, entity: Entity, dialect: Dialect) -> bool:
    """Say whether the server's own count is that of the records that fulfil a condition."""
    if dialect.complete or not dialect.counts:
        return dialect.counts
    return _spellings(Filter(widened(where, _KINDS[entity], dialect)), dialect) == [Filter(where)]


def asks_for_documents(filter: Filter) -> bool:
    """Say whether a dataset's documents decide about it."""
    return any(one.relation in DOCUMENTS and one.joins for one in filter.include)


def _name(relation: str, documents: str) -> str:
    return documents if relation in DOCUMENTS else relation


def _present(relation: str, dialect: Dialect) -> Include:
    """Include a relation; with a condition that always holds, where it cannot be included without."""
    always = dialect.presence.get(relation)
    return Include(relation, None if always is None else Filter(And((always,))))


def _with_shown(includes: tuple[Include, ...], shown: tuple[str, ...]) -> tuple[Include, ...]:
    return includes + tuple(Include(name) for name in shown if name not in {one.relation for one in includes})


def _includes(includes: Iterable[Include], dialect: Dialect, documents: str) -> tuple[Include, ...]:
    """Name each relation once; of what is asked of several related records, each must stay in the answer."""
    named = sorted((replace(one, relation=_name(one.relation, documents)) for one in includes), key=_relation)
    return tuple(_merged(name, list(several), dialect) for name, several in groupby(named, key=_relation))


def _relation(include: Include) -> str:
    return include.relation


def _merged(relation: str, includes: list[Include], dialect: Dialect) -> Include:
    joined = [one.scope for one in includes if one.scope is not None and one.joins]
    if not joined:
        return Include(relation)
    scopes = [_scope(relation, scope, dialect) for scope in joined]
    if relation in _TO_ONE:
        where = widened(And(tuple(one.where for one in joined if one.where)), _kind(relation), dialect)
    elif len(scopes) == 1:
        where = scopes[0].where
    else:
        where = _any_of([one.where for one in scopes])
    nested = _unique(one for scope in scopes for one in scope.include)
    if len(scopes) > 1:
        nested = tuple(Include(one.relation) for one in nested)
    if where is None and not nested:
        return _present(relation, dialect)
    if len(scopes) > 1 and len(repr(where)) > LONGEST_OF_SEVERAL:
        return _present(relation, dialect)
    if isinstance(where, Comparison):
        where = And((where,))  # a bare pid in the scope of a many-to-many relation is lost on some servers
    return Include(relation, Filter(where, nested))


def _scope(relation: str, scope: Filter, dialect: Dialect) -> Filter:
    nested = _includes(scope.include, dialect, "documents")
    if relation == "parameters":
        return Filter(_parameters(scope.where, dialect), nested)
    return Filter(widened(scope.where, _kind(relation), dialect), nested)


def _kind(relation: str) -> str:
    return "documents" if relation in DOCUMENTS else relation


def _any_of(wheres: list[Where | None]) -> Where | None:
    known = [one for one in wheres if one is not None]
    if len(known) < len(wheres):
        return None
    flat = tuple(dict.fromkeys(flattened(tuple(known), Or)))
    if any(isinstance(one, And) and not all(map(_is_single, one.parts)) for one in flat):
        return None
    return flat[0] if len(flat) == 1 else Or(flat)


def _is_single(where: Where) -> bool:
    return isinstance(where, Comparison)


def _parameters(where: Where | None, dialect: Dialect) -> Where | None:
    """Ask for a parameter by its name: few servers convert units, and each has operators of its own for values."""
    names = None if where is None else _names(where)
    if not names:
        return None
    asked = [Comparison("name", "eq", name) for name in sorted(names)]
    if dialect.parameters == "name":
        return asked[0] if len(asked) == 1 else Or(tuple(asked))
    valued = (Comparison("value", "gt", -1e300), Comparison("value", "gt", ""))  # any number, any text
    return Or(tuple(And((name, value)) for name in asked for value in valued))


def _names(where: Where) -> set[str] | None:
    """Give the names that a parameter must have one of; ``None`` if it may have any."""
    match where:
        case Comparison("name", "eq", str(name)) if name:
            return {name}
        case Comparison("name", "inq", names) if names and all(isinstance(one, str) and one for one in names):
            return set(names)
        case And(parts):
            return next((found for part in parts if (found := _names(part)) is not None), None)
        case Or(parts):
            several = [_names(part) for part in parts]
            known = [one for one in several if one is not None]
            return set().union(*known) if known and len(known) == len(several) else None
    return None


def _unique(includes: Iterable[Include]) -> tuple[Include, ...]:
    return tuple({one.relation: one for one in includes}.values())


def _sent(filter: Filter, entity: Entity, dialect: Dialect) -> Sent:
    late = {one.relation for one in filter.include if one.relation in dialect.late and _may_leave_out(one)}
    if not late:
        return Sent(filter)
    early = tuple(one for one in filter.include if one.relation not in late and one.scope is not None)
    filler = (Include("instrument"),) if entity == "Datasets" else ()
    return Sent(filter, replace(filter, include=(*filler, *early)))


def _may_leave_out(include: Include) -> bool:
    """Say whether a record can be left out because of a relation; one server leaves out all without parameters."""
    return include.scope is not None or include.relation == "parameters"


def _spellings(filter: Filter, dialect: Dialect) -> list[Filter]:
    """Write each "contains" as the dialect does."""
    return list(dict.fromkeys(_mapped(filter, partial(_in_form, form)) for form in dialect.wildcards))


def _in_form(form: str, where: Comparison) -> Comparison:
    return replace(where, value=form.format(where.value)) if where.operator == "ilike" else where


def _mapped(filter: Filter, change: Callable[[Comparison], Comparison]) -> Filter:
    includes = (replace(one, scope=_mapped(one.scope, change)) if one.scope else one for one in filter.include)
    return replace(filter, where=_where_mapped(filter.where, change), include=tuple(includes))


def _where_mapped(where: Where | None, change: Callable[[Comparison], Comparison]) -> Where | None:
    match where:
        case And(parts) | Or(parts):
            return replace(where, parts=tuple(one for part in parts if (one := _where_mapped(part, change))))
        case Comparison():
            return change(where)
    return where
