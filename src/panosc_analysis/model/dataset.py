"""One dataset: what a search finds and what an analysis starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from panosc_analysis.model import reading
from panosc_analysis.model.file import File
from panosc_analysis.model.instrument import Instrument
from panosc_analysis.model.parameter import Parameter
from panosc_analysis.model.sample import Sample
from panosc_analysis.model.technique import Technique
from panosc_analysis.model.writing import stated

if TYPE_CHECKING:
    from panosc_analysis.model.document import Document

__all__ = ["Dataset"]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset as one provider describes it; relations that were not asked for are empty.

    Parameters
    ----------
    pid
        Persistent identifier, as the provider writes it.
    title
        May be empty.
    is_public
        ``None`` where the provider does not say; treat it as not public.
    creation_date
        Aware, in UTC; ``None`` where missing or unreadable.
    size
        Bytes.
    score
        The provider's own ranking; not comparable between providers.
    provider
        Name of the provider that answered.
    instrument, techniques, parameters, samples, files, documents
        Related records.
    """

    pid: str
    title: str = ""
    is_public: bool | None = None
    creation_date: datetime | None = None
    size: int | None = None
    score: float | None = None
    provider: str | None = None
    instrument: Instrument | None = None
    techniques: tuple[Technique, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    samples: tuple[Sample, ...] = ()
    files: tuple[File, ...] = ()
    documents: tuple[Document, ...] = ()

    @classmethod
    def from_json(cls, obj: Mapping[str, Any], provider: str | None = None) -> Dataset:
        """Read a record; null, empty and absent are the same, extra keys are passed over.

        ``document`` and ``documents`` are both read. A missing PID becomes ``""``: whether that is acceptable is for
        the reader of a whole answer to say.
        """
        from panosc_analysis.model.document import Document  # the two records name each other

        documents = reading.rows(obj.get("documents"), Document.from_json)
        return cls(
            pid=reading.text(obj.get("pid")) or "",
            title=reading.text(obj.get("title")) or "",
            is_public=reading.flag(obj.get("isPublic")),
            creation_date=reading.date(obj.get("creationDate")),
            size=reading.whole(obj.get("size")),
            score=reading.number(obj.get("score")),
            provider=provider or reading.text(obj.get("provider")),
            instrument=reading.row(obj.get("instrument"), Instrument.from_json),
            techniques=reading.rows(obj.get("techniques"), Technique.from_json),
            parameters=reading.rows(obj.get("parameters"), Parameter.from_json),
            samples=reading.rows(obj.get("samples"), Sample.from_json),
            files=reading.rows(obj.get("files"), File.from_json),
            documents=documents or reading.rows(obj.get("document"), Document.from_json),
        )

    def to_json(self) -> dict[str, Any]:
        """Write the record in the search API's words; empty relations are left out."""
        return stated(
            pid=self.pid,
            title=self.title,
            isPublic=self.is_public,
            creationDate=reading.date_text(self.creation_date),
            size=self.size,
            score=self.score,
            provider=self.provider,
            instrument=self.instrument,
            techniques=self.techniques,
            parameters=self.parameters,
            samples=self.samples,
            files=self.files,
            documents=self.documents,
        )
