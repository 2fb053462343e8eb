"""The record of a reduction: inputs, steps with their parameters, software, time."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from panosc_analysis.errors import ReductionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["FileState", "Record", "Software", "Source", "StepRecord", "Value", "installed"]

Value: TypeAlias = str | int | float | bool | None
"""What a parameter may be."""


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as it was when it was read.

    Parameters
    ----------
    path
        On the machine that read it.
    size
        In bytes; ``None`` if it was not there.
    modified
        Time of its last change, in UTC.
    """

    path: Path
    size: int | None = None
    modified: datetime | None = None

    @classmethod
    def of(cls, path: Path) -> FileState:
        """Look at a file; one that is not there has neither size nor time."""
        try:
            status = path.stat()
        except OSError:
            return cls(path)
        return cls(path, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))


@dataclass(frozen=True, slots=True)
class Source:
    """One input.

    Parameters
    ----------
    pid
        Of the dataset; ``None`` if it has none or none was known.
    files
        The files of the dataset that were used.
    dataset
        Path of the array inside the first file.
    selection
        The part of it that was used, in NumPy's notation; empty for all of it.
    states
        Every file that was read, those behind links and virtual datasets included, as it was then.
    """

    pid: str | None
    files: tuple[Path, ...]
    dataset: str = ""
    selection: str = ""
    states: tuple[FileState, ...] = ()


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step with the parameters it ran with, defaults included."""

    name: str
    parameters: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Software:
    """A package and its version."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Record:
    """What was done, to what, with which software.

    Parameters
    ----------
    sources
        The inputs.
    steps
        In the order in which they were asked for.
    software
        Packages that took part.
    created
        When it was done, in UTC.
    program
        Name of the program that did it.
    """

    sources: tuple[Source, ...]
    steps: tuple[StepRecord, ...]
    software: tuple[Software, ...]
    created: datetime
    program: str = "panosc-analysis"

    @property
    def version(self) -> str:
        """Version of `program`; empty if it is not among the software."""
        return next((s.version for s in self.software if s.name == self.program), "")

    def to_json(self) -> str:
        """Write as JSON with sorted keys; `from_json` reads it."""
        content = {
            "program": self.program,
            "created": self.created.isoformat(),
            "sources": [_source_to_json(source) for source in self.sources],
            "steps": [{"name": step.name, "parameters": dict(step.parameters)} for step in self.steps],
            "software": [{"name": software.name, "version": software.version} for software in self.software],
        }
        return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Record:
        """Read what `to_json` wrote; keys that are not known are ignored.

        Raises
        ------
        ReductionError
            Not such a record.
        """
        try:
            content = json.loads(text)
            return cls(
                sources=tuple(_source_from_json(source) for source in content["sources"]),
                steps=tuple(StepRecord(step["name"], step["parameters"]) for step in content["steps"]),
                software=tuple(Software(software["name"], software["version"]) for software in content["software"]),
                created=datetime.fromisoformat(content["created"]),
                program=content["program"],
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ReductionError(
                f"The record of a reduction cannot be read ({type(error).__name__}: {error})",
                hint="Use a result file of this program that is whole",
            ) from error


def installed(names: Iterable[str]) -> tuple[Software, ...]:
    """Look up the versions of packages; those that are not installed are left out."""
    found = []
    for name in names:
        try:
            found.append(_software(name))
        except metadata.PackageNotFoundError:
            continue
    return tuple(found)


@functools.cache
def _software(name: str) -> Software:
    """Look up a version; once, for it takes a millisecond and is that of what was loaded."""
    return Software(name, metadata.version(name))


def _source_to_json(source: Source) -> dict[str, Any]:
    return {
        "pid": source.pid,
        "files": [str(file) for file in source.files],
        "dataset": source.dataset,
        "selection": source.selection,
        "states": [
            {
                "path": str(state.path),
                "size": state.size,
                "modified": state.modified.isoformat() if state.modified else None,
            }
            for state in source.states
        ],
    }


def _source_from_json(content: dict[str, Any]) -> Source:
    states = tuple(
        FileState(
            Path(state["path"]), state["size"], datetime.fromisoformat(state["modified"]) if state["modified"] else None
        )
        for state in content.get("states", ())
    )
    files = tuple(Path(file) for file in content["files"])
    return Source(content["pid"], files, content.get("dataset", ""), content.get("selection", ""), states)
