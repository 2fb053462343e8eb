"""Questions about documents and instruments, in the same words as those about datasets."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from panosc_analysis.filters import Comparison, Filter, Include, Or, Where
from panosc_analysis.model import Technique
from panosc_analysis.search.query import Query
from panosc_analysis.search.question import DEFAULT_LIMIT, Question
from panosc_analysis.search.words import all_of, limit_from, literal, moment, name_from, text_words

__all__ = ["DocumentQuery", "InstrumentQuery"]


@dataclass(frozen=True, slots=True)
class DocumentQuery:
    """A search for proposals and publications; every part that is given must hold.

    Parameters
    ----------
    text
        Words that each stand in the title or the summary.
    type
        ``"proposal"`` or ``"publication"``.
    public
        True for open ones only, False for others only.
    since, until
        Its time, from start to end, has days from the first and up to the last of these.
    technique, photon_energy, wavelength, temperature, parameters, instrument, facility, sample
        Of one of its datasets, as in `Query`.
    limit
        At most so many.
    """

    text: str | None = None
    type: str | None = None
    public: bool | None = None
    since: str | datetime.date | None = None
    until: str | datetime.date | None = None
    technique: str | Technique | None = None
    photon_energy: Any = None
    wavelength: Any = None
    temperature: Any = None
    parameters: Mapping[str, Any] | None = None
    instrument: str | None = None
    facility: str | None = None
    sample: str | None = None
    limit: int = DEFAULT_LIMIT

    def question(self) -> Question:
        """Make the filters that ask this.

        Raises
        ------
        FilterError
            A value that cannot be understood.
        """
        inside = Query(
            technique=self.technique,
            photon_energy=self.photon_energy,
            wavelength=self.wavelength,
            temperature=self.temperature,
            parameters=self.parameters,
            instrument=self.instrument,
            facility=self.facility,
            sample=self.sample,
        )
        (datasets,) = inside.question().filters
        include = (Include("datasets", datasets),) if datasets != Filter() else ()
        return Question((Filter(all_of(tuple(self._where())), include),), limit=limit_from(self.limit))

    def _where(self) -> list[Where]:
        parts: list[Where] = [_either(("title", "summary"), word) for word in text_words(self.text)]
        kind = name_from(self.type, "type")
        if kind is not None:
            parts.append(Comparison("type", "ilike", literal(kind)))
        if self.public is not None:
            parts.append(Comparison("isPublic", "eq", bool(self.public)))
        if self.since is not None:
            parts.append(Comparison("endDate", "gte", moment(self.since, last=False)))
        if self.until is not None:
            parts.append(Comparison("startDate", "lte", moment(self.until, last=True)))
        return parts


@dataclass(frozen=True, slots=True)
class InstrumentQuery:
    """A search for instruments; every part that is given must hold.

    Parameters
    ----------
    text
        Words that each stand in the name or the facility.
    name, facility
        Part of it.
    limit
        At most so many.
    """

    text: str | None = None
    name: str | None = None
    facility: str | None = None
    limit: int = DEFAULT_LIMIT

    def question(self) -> Question:
        """Make the filter that asks this.

        Raises
        ------
        FilterError
            A value that cannot be understood.
        """
        parts: list[Where] = [_either(("name", "facility"), word) for word in text_words(self.text)]
        for field, wanted in (("name", self.name), ("facility", self.facility)):
            name = name_from(wanted, field)
            if name is not None:
                parts.append(Comparison(field, "ilike", literal(name)))
        return Question((Filter(all_of(tuple(parts))),), limit=limit_from(self.limit))


def _either(fields: tuple[str, ...], word: str) -> Or:
    return Or(tuple(Comparison(field, "ilike", literal(word)) for field in fields))
