"""What datasets belong to: a proposal or a publication."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from panosc_analysis.model import reading
from panosc_analysis.model.dataset import Dataset
from panosc_analysis.model.parameter import Parameter
from panosc_analysis.model.person import Member
from panosc_analysis.model.writing import stated

__all__ = ["Document"]


@dataclass(frozen=True, slots=True)
class Document:
    """A proposal or publication as one provider describes it; relations that were not asked for are empty.

    Parameters
    ----------
    pid
        Persistent identifier, as the provider writes it.
    is_public
        ``None`` where the provider does not say; treat it as not public.
    type
        ``proposal`` or ``publication``, in whatever case the provider likes.
    title, summary, doi, license
        Texts; ``None`` where missing (the title: ``""``).
    start_date, end_date, release_date
        Aware, in UTC; ``None`` where missing or unreadable. Without a release date nothing is released.
    keywords
        Free words.
    members, parameters, datasets
        Related records.
    """

    pid: str
    is_public: bool | None = None
    type: str = ""
    title: str = ""
    summary: str | None = None
    doi: str | None = None
    license: str | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    release_date: datetime | None = None
    keywords: tuple[str, ...] = ()
    score: float | None = None
    provider: str | None = None
    members: tuple[Member, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    datasets: tuple[Dataset, ...] = ()

    @classmethod
    def from_json(cls, obj: Mapping[str, Any], provider: str | None = None) -> Document:
        """Read a record; null, empty and absent are the same, extra keys are passed over."""
        keywords = obj.get("keywords")
        words = keywords if isinstance(keywords, list | tuple) else [keywords]
        return cls(
            pid=reading.text(obj.get("pid")) or "",
            is_public=reading.flag(obj.get("isPublic")),
            type=reading.text(obj.get("type")) or "",
            title=reading.text(obj.get("title")) or "",
            summary=reading.text(obj.get("summary")),
            doi=reading.text(obj.get("doi")),
            license=reading.text(obj.get("license")),
            start_date=reading.date(obj.get("startDate")),
            end_date=reading.date(obj.get("endDate")),
            release_date=reading.date(obj.get("releaseDate")),
            keywords=tuple(word for word in map(reading.text, words) if word),
            score=reading.number(obj.get("score")),
            provider=provider or reading.text(obj.get("provider")),
            members=reading.rows(obj.get("members"), Member.from_json),
            parameters=reading.rows(obj.get("parameters"), Parameter.from_json),
            datasets=reading.rows(obj.get("datasets"), lambda one: Dataset.from_json(one, provider)),
        )

    def to_json(self) -> dict[str, Any]:
        """Write the record in the search API's words; empty relations are left out."""
        return stated(
            pid=self.pid,
            isPublic=self.is_public,
            type=self.type,
            title=self.title,
            summary=self.summary,
            doi=self.doi,
            license=self.license,
            startDate=reading.date_text(self.start_date),
            endDate=reading.date_text(self.end_date),
            releaseDate=reading.date_text(self.release_date),
            keywords=self.keywords,
            score=self.score,
            provider=self.provider,
            members=self.members,
            parameters=self.parameters,
            datasets=self.datasets,
        )
