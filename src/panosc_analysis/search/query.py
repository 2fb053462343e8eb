"""From a question as a person asks it to the filters that ask it."""

from __future__ import annotations

import datetime
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import fields as fields_of
from typing import Any

from panosc_analysis.errors import FilterError
from panosc_analysis.filters import (
    And,
    Comparison,
    Filter,
    Include,
    Or,
    Order,
    Text,
    Where,
    accepts,
    parse_filter,
    related,
)
from panosc_analysis.filters.patterns import folded
from panosc_analysis.model import Technique, same_pid
from panosc_analysis.search import panet
from panosc_analysis.search.ranges import Quantity

__all__ = ["Query", "Question", "question_from"]

PHOTON_ENERGY = Quantity("incident_photon_energy", "keV", relative=0.01)
WAVELENGTH = Quantity("incident_wavelength", "angstrom", relative=0.01)
TEMPERATURE = Quantity("sample_temperature", "K", absolute=1.0)
MOST_WORDS = 20
LONGEST_TEXT = 1000
DEFAULT_LIMIT = 100
LARGEST_LIMIT = 10_000
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class Question:
    """What is sent and how an answer is judged.

    Parameters
    ----------
    filters
        Asked one after the other; a record that any of them accepts is a hit.
    words
        Each must stand in the title, the name of a sample or of the instrument.
    proposal
        Must be one of the record's documents: its PID or the last part of it.
    limit
        At most so many hits.
    order
        How to sort what was read; servers are not asked to sort.
    """

    filters: tuple[Filter, ...]
    words: tuple[str, ...] = ()
    proposal: str | None = None
    limit: int = DEFAULT_LIMIT
    order: tuple[Order, ...] = ()

    def accepts(self, record: Mapping[str, Any]) -> bool:
        """Say whether a record is a hit, whatever the provider thinks of it."""
        return (
            any(accepts(one, record) for one in self.filters)
            and (not self.words or _holds_words(record, self.words))
            and (self.proposal is None or any(_is_called(one, self.proposal) for one in related(record, "documents")))
        )


@dataclass(frozen=True, slots=True)
class Query:
    """A search for datasets; every part that is given must hold.

    Parameters
    ----------
    text
        Words that each stand in the title, the name of a sample or of the instrument.
    technique
        Label, synonym or code of a PaNET technique (``"SAXS"``, ``"PaNET01188"``); its kinds are meant too.
    photon_energy
        In keV, or with a unit: ``12``, ``(8, 12)``, ``"8-12 keV"``, ``("8 keV", None)``. A single value reaches 1 % to
        both sides. Finds what states a photon energy; a dataset that states only a wavelength is not converted.
    wavelength
        In Å, in the same ways.
    temperature
        Of the sample, in K or with a unit (``"20 °C"``); a single value reaches 1 K to both sides.
    instrument, facility, sample
        Part of the name.
    proposal
        Identifier of a proposal or of a publication.
    public
        True for open data only, False for embargoed only.
    since, until
        First and last day, as ``"2026-03-01"``, a date or a datetime.
    limit
        At most so many datasets.
    """

    text: str | None = None
    technique: str | Technique | None = None
    photon_energy: Any = None
    wavelength: Any = None
    temperature: Any = None
    instrument: str | None = None
    facility: str | None = None
    proposal: str | None = None
    sample: str | None = None
    public: bool | None = None
    since: str | datetime.date | None = None
    until: str | datetime.date | None = None
    limit: int = DEFAULT_LIMIT

    def question(self) -> Question:
        """Make the filters that ask this.

        Raises
        ------
        FilterError
            A value that cannot be understood.
        """
        words = _words(self.text)
        where, includes = tuple(self._where()), tuple(self._includes())
        filters: tuple[Filter, ...] = (Filter(_and(where), includes),)
        if words:  # titles and related names cannot be asked for in one filter: a relation in a filter must hold
            word = max(words, key=len)
            named = tuple(Comparison("name", "ilike", _literal(one)) for one in (word, *words))
            filters = (
                Filter(_and((*where, Text(word))), includes),
                # any word: an answer shows only those samples that fit, and another word may stand in another sample
                Filter(_and(where), (*includes, _join("samples", Or(tuple(dict.fromkeys(named)))))),
                Filter(_and(where), (*includes, _join("instrument", named[0]))),
            )
        return Question(filters, words, _name(self.proposal, "proposal"), _limit(self.limit))

    def _where(self) -> list[Where]:
        parts: list[Where] = []
        if self.public is not None:
            parts.append(Comparison("isPublic", "eq", bool(self.public)))
        if self.since is not None:
            parts.append(Comparison("creationDate", "gte", _moment(self.since, last=False)))
        if self.until is not None:
            parts.append(Comparison("creationDate", "lte", _moment(self.until, last=True)))
        return parts

    def _includes(self) -> list[Include]:
        includes = [_join("techniques", _of_technique(self.technique))] if self.technique is not None else []
        quantities = (
            (PHOTON_ENERGY, self.photon_energy),
            (WAVELENGTH, self.wavelength),
            (TEMPERATURE, self.temperature),
        )
        includes += [_join("parameters", q.range(wanted).where()) for q, wanted in quantities if wanted is not None]
        for relation, field, wanted in (
            ("instrument", "name", self.instrument),
            ("instrument", "facility", self.facility),
            ("samples", "name", self.sample),
            ("documents", "pid", self.proposal),
        ):
            name = _name(wanted, field)
            if name is not None:
                includes.append(_join(relation, Comparison(field, "ilike", _literal(name))))
        return includes

    def __str__(self) -> str:
        """Say what is asked for, in words."""
        given = ((field.name, getattr(self, field.name)) for field in fields_of(self) if field.name != "limit")
        return ", ".join(f"{name.replace('_', ' ')} {_said(name, value)}" for name, value in given if value is not None)


def question_from(filter: Filter | Mapping[str, Any] | None, words: Mapping[str, Any]) -> Question:
    """Make the question from a raw filter or from the words of a call, whichever is given.

    Raises
    ------
    FilterError
        Both are given, an unknown word, or a value that cannot be understood.
    """
    if filter is None:
        return query_from(words).question()
    if set(words) - {"limit"}:
        raise FilterError("A filter and search words are given together", hint="Give one of them")
    raw = filter if isinstance(filter, Filter) else parse_filter(filter)
    if raw.skip or raw.query:
        raise FilterError("A client's filter takes no skip and no query", hint="Give limit; pages are turned for you")
    limit = words.get("limit") or raw.limit or DEFAULT_LIMIT
    return Question((Filter(raw.where, raw.include),), limit=_limit(limit), order=raw.order)


def query_from(words: Mapping[str, Any]) -> Query:
    """Make a query from the words of a call.

    Raises
    ------
    FilterError
        An unknown word.
    """
    known = [field.name for field in fields_of(Query)]
    for word in words:
        if word not in known:
            near = difflib.get_close_matches(word, known, n=1)
            hint = f"Use {near[0]}" if near else f"Use {', '.join(known)}"
            raise FilterError(f"A search cannot be narrowed by {word!r}", hint=hint)
    return Query(**words)


def _join(relation: str, where: Where) -> Include:
    return Include(relation, Filter(where))


def _and(parts: tuple[Where, ...]) -> Where | None:
    return None if not parts else parts[0] if len(parts) == 1 else And(parts)


def _of_technique(wanted: str | Technique) -> Where:
    """Match a technique and its kinds by address, and by name where a provider has identifiers of its own."""
    technique = panet.resolve((wanted.pid or wanted.name) if isinstance(wanted, Technique) else wanted)
    kinds = panet.descendants(technique.pid)
    addresses, labels = tuple(kind.pid for kind in kinds), tuple(kind.name for kind in kinds)
    fields = (("pid", addresses), ("panetId", addresses), ("name", labels))
    return Or(tuple(Comparison(field, "inq", values) for field, values in fields))


def _words(text: str | None) -> tuple[str, ...]:
    if text is None or not text.strip():
        return ()
    words = tuple(text.split())
    if len(text) > LONGEST_TEXT or len(words) > MOST_WORDS:
        raise FilterError(f"The text is longer than {MOST_WORDS} words", hint="Search for fewer words")
    return words


def _holds_words(record: Mapping[str, Any], words: tuple[str, ...]) -> bool:
    texts = [record.get("title"), *(sample.get("name") for sample in related(record, "samples"))]
    texts += [one.get("name") for one in related(record, "instrument")]
    everything = "\n".join(folded(text) for text in texts if isinstance(text, str))
    return all(folded(word) in everything for word in words)


def _is_called(document: Mapping[str, Any], name: str) -> bool:
    pid = document.get("pid")
    return isinstance(pid, str) and (same_pid(pid, name) or pid.lower().endswith(f"/{name.lower()}"))


def _name(wanted: str | None, what: str) -> str | None:
    if wanted is None:
        return None
    name = wanted.strip()
    if not name or len(name) > LONGEST_TEXT:
        raise FilterError(f"The {what} is empty or too long", hint="Give part of its name")
    return name


def _literal(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text)


def _limit(limit: int) -> int:
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= LARGEST_LIMIT:
        raise FilterError(f"The limit {limit!r} cannot be used", hint=f"Give a number from 1 to {LARGEST_LIMIT}")
    return limit


def _moment(wanted: str | datetime.date, *, last: bool) -> str:
    """Write a day or moment as UTC; a day as ``until`` means to its end."""
    text = wanted.isoformat() if isinstance(wanted, datetime.date) else wanted.strip()
    try:
        found = datetime.datetime.fromisoformat(text)
        if last and _DAY.fullmatch(text):
            found = found.replace(hour=23, minute=59, second=59, microsecond=999_000)
        found = found.replace(tzinfo=datetime.UTC) if found.tzinfo is None else found.astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        raise FilterError(f"{text[:60]!r} is not a date", hint="Write it like 2026-03-01") from None
    return found.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _said(name: str, value: Any) -> str:
    quantity = {"photon_energy": PHOTON_ENERGY, "wavelength": WAVELENGTH, "temperature": TEMPERATURE}.get(name)
    if quantity is not None:
        return str(quantity.range(value))
    if name == "technique":
        technique = panet.resolve((value.pid or value.name) if isinstance(value, Technique) else value)
        return technique.name
    return str(value)
