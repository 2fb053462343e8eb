"""From a condition to one that a server evaluates correctly and that accepts at least the same records.

Widening is by parts: what cannot be sent is dropped from an ``and``; an ``or`` with such a part is dropped whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from panosc_analysis.filters import And, Comparison, Or, Text, Where
from panosc_analysis.model.reading import date, date_text
from panosc_analysis.search import panet
from panosc_analysis.search.dialects.dialect import Dialect
from panosc_analysis.search.dialects.texts import longest_run, may_be_a_date, run_of_pid

__all__ = ["flattened", "widened"]

PIDS = frozenset({"pid", "doi"})
TEXTS = frozenset({"title", "summary", "type", "name", "facility", "description", "panetId"})
DATES = frozenset({"creationDate", "startDate", "endDate", "releaseDate"})
NUMBERS = frozenset({"size"})
FLAGS = frozenset({"isPublic"})
_KINDS = {
    "datasets": frozenset({"pid", "title", "isPublic", "size", "creationDate"}),
    "documents": frozenset(
        {"pid", "doi", "title", "summary", "type", "isPublic", "startDate", "endDate", "releaseDate"}
    ),
    "instrument": frozenset({"pid", "name", "facility"}),
    "samples": frozenset({"name", "description"}),
    "techniques": frozenset({"pid", "panetId", "name"}),
}
_TEXT_FIELDS = {
    "datasets": ("title",),
    "documents": ("title", "summary"),
    "instrument": ("name", "facility"),
    "samples": ("name", "description"),
    "techniques": ("name",),
}
_RANGES = frozenset({"gt", "gte", "lt", "lte"})
_A_SECOND = timedelta(seconds=1)  # what is stored may be finer than what is shown


def widened(where: Where | None, kind: str, dialect: Dialect) -> Where | None:
    """Give what may be sent for a condition on records of a kind; ``None`` if nothing may."""
    return None if where is None else _Widening(kind, dialect).of(where)


def flattened(parts: tuple[Where, ...], kind: type[And | Or]) -> Iterator[Where]:
    """Give the parts of nested ``and`` (or ``or``) one after the other."""
    for part in parts:
        if isinstance(part, kind):
            yield from flattened(part.parts, kind)
        else:
            yield part


@dataclass(frozen=True, slots=True)
class _Widening:
    kind: str
    dialect: Dialect

    def of(self, where: Where) -> Where | None:
        match where:
            case And(parts):
                return self.all_of(parts)
            case Or(parts):
                return self.any_of(parts)
            case Text(text):
                return self.any_of(tuple(Comparison(name, "ilike", text) for name in _TEXT_FIELDS.get(self.kind, ())))
            case Comparison(field) if field in _KINDS.get(self.kind, ()) and not self.dialect.lacks(self.kind, field):
                return self.comparison(where) if self.dialect.trusts(self.kind, field) else None
        return None

    def all_of(self, parts: tuple[Where, ...]) -> Where | None:
        found = [one for part in parts if (one := self.of(part)) is not None]
        flat = list(flattened(tuple(found), And))
        if not self.dialect.nests:
            flat = _without_nesting(flat)
        return None if not flat else flat[0] if len(flat) == 1 else And(tuple(flat))

    def any_of(self, parts: tuple[Where, ...]) -> Where | None:
        found = [self.of(part) for part in parts if not self.never(part)]
        kept = [one for one in found if one is not None]
        return self.either(kept) if len(kept) == len(found) else None

    def either(self, parts: list[Where]) -> Where | None:
        """Join alternatives; where nothing may be nested, one condition stands for several."""
        flat = list(flattened(tuple(parts), Or))
        if not self.dialect.nests:
            flat = [max(one.parts, key=_selectivity) if isinstance(one, And) else one for one in flat]
        unique = tuple(dict.fromkeys(flat))
        return None if not unique else unique[0] if len(unique) == 1 else Or(unique)

    def never(self, part: Where) -> bool:
        """Know an alternative that is true for no record, because these have no such field."""
        if not isinstance(part, Comparison) or part.operator not in {"eq", "inq", "like", "ilike"}:
            return False
        return self.dialect.lacks(self.kind, part.field) and part.value is not None

    def comparison(self, where: Comparison) -> Where | None:
        field, operator, value = where.field, where.operator, where.value
        if operator == "inq":
            return self.one_of(field, value)
        if operator == "between":
            return self.all_of((Comparison(field, "gte", value[0]), Comparison(field, "lte", value[1])))
        if field in PIDS:
            return self.pid(field, operator, value)
        if field in TEXTS:
            return self.text(field, operator, value)
        if field in DATES:
            return _around(field, operator, value)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if field in NUMBERS and is_number and (operator in _RANGES or (operator == "eq" and isinstance(value, int))):
            return where if value or self.dialect.falsy else None
        return where if field in FLAGS and operator == "eq" and isinstance(value, bool) else None

    def one_of(self, field: str, values: tuple[object, ...]) -> Where | None:
        """Keep what is sent as it is in one list; add the others as alternatives."""
        sent = [self.comparison(Comparison(field, "eq", value)) for value in values]
        if not sent or None in sent:
            return None
        same = [one for one in sent if isinstance(one, Comparison) and one.operator == "eq"]
        others = [one for one in sent if one not in same]
        listed: list[Where] = [Comparison(field, "inq", tuple(one.value for one in same))] if same else []
        return self.either([*listed, *(one for one in others if one is not None)])

    def pid(self, field: str, operator: str, value: object) -> Comparison | None:
        """Ask for a part that every spelling has; PaNET's addresses have one spelling only."""
        if not isinstance(value, str) or operator not in {"eq", "like", "ilike"}:
            return None
        if operator == "eq" and value.startswith(panet.PURL):
            return Comparison(field, "eq", value)
        if self.dialect.made_up_pids and (operator != "eq" or value.startswith("pid:")):
            return None
        run_of = run_of_pid if operator == "eq" else longest_run
        run = run_of(value, no_dates=self.dialect.dates_in_texts)
        return None if run is None else Comparison(field, "ilike", run)

    def text(self, field: str, operator: str, value: object) -> Comparison | None:
        if not isinstance(value, str) or not value:
            return None
        if operator in {"like", "ilike"}:
            run = longest_run(value, no_dates=self.dialect.dates_in_texts)
            return None if run is None else Comparison(field, "ilike", run)
        if operator != "eq":  # texts are ordered differently everywhere
            return None
        if date(value) is None and not (self.dialect.dates_in_texts and may_be_a_date(value)):
            return Comparison(field, "eq", value)
        return self.text(field, "ilike", value) if date(value) is None else None


def _around(field: str, operator: str, value: object) -> Where | None:
    """Give the bounds of a date, a second wider; equality becomes two."""
    moment = date(value)
    if moment is None:
        return None
    try:
        low, high = date_text(moment - _A_SECOND), date_text(moment + _A_SECOND)
    except OverflowError:
        return None
    after, before = Comparison(field, "gte", low), Comparison(field, "lte", high)
    if operator == "eq":
        return And((after, before))
    return {"gt": after, "gte": after, "lt": before, "lte": before}.get(operator)


def _without_nesting(parts: list[Where]) -> list[Where]:
    """Keep the single conditions, or one ``or`` that leaves out more than all of them."""
    single: list[Where] = [one for one in parts if isinstance(one, Comparison)]
    best = max((one for one in parts if isinstance(one, Or)), key=_selectivity, default=None)
    if best is None:
        return single
    return [best] if _selectivity(best) > max(map(_selectivity, single), default=0) else single


def _selectivity(where: Where) -> int:
    match where:
        case Or(parts):
            return min(map(_selectivity, parts))
        case And(parts):
            return max(map(_selectivity, parts))
        case Comparison(_, operator, value) if isinstance(value, str | tuple):
            return {"eq": 4, "inq": 4, "ilike": 3}.get(operator, 2)
    return 1
