"""From a question as a person asks it to the filters that ask it."""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import fields as fields_of
from typing import Any, Protocol

from panosc_analysis.errors import FilterError
from panosc_analysis.filters import Comparison, Filter, Include, Or, Text, Where, parse_filter
from panosc_analysis.model import Technique
from panosc_analysis.search.question import DEFAULT_LIMIT, Question
from panosc_analysis.search.ranges import Quantity, of_parameter
from panosc_analysis.search.words import (
    all_of,
    joined,
    limit_from,
    literal,
    moment,
    name_from,
    of_technique,
    resolved,
    text_words,
)

__all__ = ["Query", "query_from", "question_from"]

PHOTON_ENERGY = Quantity("incident_photon_energy", "keV", relative=0.01)
WAVELENGTH = Quantity("incident_wavelength", "angstrom", relative=0.01)
TEMPERATURE = Quantity("sample_temperature", "K", absolute=1.0)


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
    parameters
        Any others by name, each a range, a number or a part of a text: ``{"sample_pressure": (1, 2) * bar}``,
        ``{"sample_chemical_formula": "LaB6"}``.
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
    parameters: Mapping[str, Any] | None = None
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
        words = text_words(self.text)
        where, includes = tuple(self._where()), tuple(self._includes())
        filters: tuple[Filter, ...] = (Filter(all_of(where), includes),)
        if words:  # titles and related names cannot be asked for in one filter: a relation in a filter must hold
            word = max(words, key=len)
            named = tuple(Comparison("name", "ilike", literal(one)) for one in (word, *words))
            filters = (
                Filter(all_of((*where, Text(word))), includes),
                # any word: an answer shows only those samples that fit, and another word may stand in another sample
                Filter(all_of(where), (*includes, joined("samples", Or(tuple(dict.fromkeys(named)))))),
                Filter(all_of(where), (*includes, joined("instrument", named[0]))),
            )
        return Question(filters, words, name_from(self.proposal, "proposal"), limit_from(self.limit))

    def _where(self) -> list[Where]:
        parts: list[Where] = []
        if self.public is not None:
            parts.append(Comparison("isPublic", "eq", bool(self.public)))
        if self.since is not None:
            parts.append(Comparison("creationDate", "gte", moment(self.since, last=False)))
        if self.until is not None:
            parts.append(Comparison("creationDate", "lte", moment(self.until, last=True)))
        return parts

    def _includes(self) -> list[Include]:
        includes = [joined("techniques", of_technique(self.technique))] if self.technique is not None else []
        quantities = (
            (PHOTON_ENERGY, self.photon_energy),
            (WAVELENGTH, self.wavelength),
            (TEMPERATURE, self.temperature),
        )
        includes += [joined("parameters", q.range(wanted).where()) for q, wanted in quantities if wanted is not None]
        includes += [joined("parameters", of_parameter(*one)) for one in (self.parameters or {}).items()]
        for relation, field, wanted in (
            ("instrument", "name", self.instrument),
            ("instrument", "facility", self.facility),
            ("samples", "name", self.sample),
            ("documents", "pid", self.proposal),
        ):
            name = name_from(wanted, field)
            if name is not None:
                includes.append(joined(relation, Comparison(field, "ilike", literal(name))))
        return includes

    def __str__(self) -> str:
        """Say what is asked for, in words."""
        given = ((field.name, getattr(self, field.name)) for field in fields_of(self) if field.name != "limit")
        return ", ".join(f"{name.replace('_', ' ')} {_said(name, value)}" for name, value in given if value is not None)


class Asks(Protocol):
    """A question in words."""

    def question(self) -> Question:
        """Make the filters that ask this."""


def question_from(
    filter: Filter | Mapping[str, Any] | None, words: Mapping[str, Any], kind: type[Asks] = Query
) -> Question:
    """Make the question from a raw filter or from the words of a call, whichever is given.

    Raises
    ------
    FilterError
        Both are given, an unknown word, or a value that cannot be understood.
    """
    if filter is None:
        return query_from(words, kind).question()
    if set(words) - {"limit"}:
        raise FilterError("A filter and search words are given together", hint="Give one of them")
    raw = filter if isinstance(filter, Filter) else parse_filter(filter)
    if raw.skip or raw.query:
        raise FilterError("A client's filter takes no skip and no query", hint="Give limit; pages are turned for you")
    limit = words.get("limit") or raw.limit or DEFAULT_LIMIT
    return Question((Filter(raw.where, raw.include),), limit=limit_from(limit), order=raw.order)


def query_from(words: Mapping[str, Any], kind: type[Asks] = Query) -> Asks:
    """Make a query from the words of a call.

    Raises
    ------
    FilterError
        An unknown word.
    """
    known = [field.name for field in fields_of(kind)]  # type: ignore[arg-type]
    for word in words:
        if word not in known:
            near = difflib.get_close_matches(word, known, n=1)
            hint = f"Use {near[0]}" if near else f"Use {', '.join(known)}"
            raise FilterError(f"A search cannot be narrowed by {word!r}", hint=hint)
    return kind(**words)


def _said(name: str, value: Any) -> str:
    quantity = {"photon_energy": PHOTON_ENERGY, "wavelength": WAVELENGTH, "temperature": TEMPERATURE}.get(name)
    if quantity is not None:
        return str(quantity.range(value))
    if name == "technique":
        return resolved(value).name
    if name == "parameters":
        return ", ".join(f"{one} {wanted}" for one, wanted in value.items())
    return f'"{value}"' if name == "text" else str(value)
