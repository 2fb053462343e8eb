"""Ways from a catalogue's file record to a file: each answers with a path or with the reason for its "no"."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol

from panosc_analysis.errors import FileNotHere, LocateError, NotYours, OutsideRoots
from panosc_analysis.locate.boundary import inside, with_mounts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from panosc_analysis.model import Dataset, File
    from panosc_analysis.settings import DataRoot

__all__ = ["MountedPathResolver", "Resolver"]


class Resolver(Protocol):
    """One way to a readable file."""

    def find(self, file: File, dataset: Dataset) -> Path:
        """Return a path that can be opened, or raise the `LocateError` that says why there is none."""
        ...


@dataclass(frozen=True, slots=True)
class MountedPathResolver:
    """Finds files in a directory that is mounted on this machine.

    The search API does not say what a file's path is: it may be absolute or relative, the directory or the whole
    location, or missing, and the name may hold slashes. Every reading is tried; a file must exist for one to count.

    Parameters
    ----------
    root
        The directory, and the leading part of the catalogue's paths that it stands for.
    """

    root: DataRoot

    def find(self, file: File, dataset: Dataset) -> Path:
        """Return the path below the root; opens nothing."""
        reasons: list[LocateError] = []
        roots = with_mounts([self.root.path])
        for candidate in self._candidates(file):
            try:
                return _readable(candidate, roots)
            except LocateError as error:
                reasons.append(error)
        if stronger := [reason for reason in reasons if not isinstance(reason, FileNotHere)]:
            raise stronger[0]
        raise self._not_here(file, dataset)

    def _candidates(self, file: File) -> list[Path]:
        found = [below for location in _locations(file) for below in self._below(location)]
        return list(dict.fromkeys(found))

    def _below(self, location: str) -> Iterator[Path]:
        """Where the location would lie in this root: its prefix cut, as it stands, or beneath the root."""
        root, prefix = self.root.path, PurePosixPath(self.root.prefix)
        path = PurePosixPath(location)
        if self.root.prefix and path.is_relative_to(prefix):
            yield root / path.relative_to(prefix)
        elif not path.is_absolute():
            yield root / path
        elif not self.root.prefix:
            if path.is_relative_to(root):
                yield Path(path)
            yield root / path.relative_to("/")

    def _not_here(self, file: File, dataset: Dataset) -> LocateError:
        provider = dataset.provider or "the catalogue"
        if not self.root.path.is_dir():
            return FileNotHere(
                f"{file.name!r} is listed by {provider}; the data directory {self.root.path} is not there",
                hint="Ask the operator to mount it, or name another data directory in the settings",
                file=file.name,
            )
        if dataset.is_public is not True and (closed := self._unmounted(file)):
            return _not_yours(file, dataset, closed)
        return FileNotHere(
            f"{file.name!r} is listed by {provider} and not on this machine: it is not below {self.root.path}",
            hint="Ask the facility for a copy, or add the directory that holds it to the data directories",
            file=file.name,
        )

    def _unmounted(self, file: File) -> str | None:
        """Return the top directory of the file's path, if the root has no such directory."""
        for candidate in self._candidates(file):
            parts = candidate.relative_to(self.root.path).parts
            if len(parts) > 1 and not os.path.lexists(self.root.path / parts[0]):
                return parts[0]
        return None


def _locations(file: File) -> list[str]:
    """Read path and name in every way that facilities mean them, the likeliest first."""
    if not file.path:
        return [file.name] if file.name else []
    path, name = file.path, file.name
    whole = path.rstrip("/") == name.strip("/") or path.rstrip("/").endswith("/" + name.strip("/"))
    joined = f"{path.rstrip('/')}/{name.lstrip('/')}"
    return [path, joined] if whole else [joined, path]


def _readable(candidate: Path, roots: tuple[Path, ...]) -> Path:
    """Return the path if it ends in the roots and is a regular file that this person can read."""
    if "\0" in str(candidate):
        raise _absent(candidate)
    real = inside(candidate, roots)
    try:
        mode = real.stat().st_mode
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM):
            raise _no_permission(candidate) from error
        raise _absent(candidate) from error
    if not stat.S_ISREG(mode):
        raise _absent(candidate)
    if not os.access(real, os.R_OK):
        raise _no_permission(candidate)
    return candidate


def _absent(path: Path) -> FileNotHere:
    return FileNotHere(f"There is no file {str(path)!r}", hint="Try another reading of the catalogue's path")


def _no_permission(path: Path) -> NotYours:
    return NotYours(
        f"{path} is there, and its permissions do not let you read it",
        hint="Ask the proposal's leader or the operator for access",
        path=str(path),
    )


def _not_yours(file: File, dataset: Dataset, directory: str) -> NotYours:
    proposal = next((d for d in dataset.documents if d.type.lower() == "proposal"), None)
    members = [m.person.full_name for m in proposal.members if m.person] if proposal else []
    title = f" ({proposal.title})" if proposal and proposal.title else ""
    until = f" until {proposal.release_date:%Y-%m-%d}" if proposal and proposal.release_date else ""
    return NotYours(
        f"{file.name!r} belongs to {directory}{title}, which is not mounted in this session: it is not public{until}",
        hint=f"Ask a member of the proposal ({', '.join(members)})" if members else "Ask a member of the proposal",
        proposal=directory,
        members=tuple(members),
    )


def strongest(reasons: list[LocateError]) -> LocateError:
    """Return the reason that helps most: no right to a file says more than its absence elsewhere."""
    order = (NotYours, OutsideRoots, FileNotHere)
    return min(reasons, key=lambda reason: next((i for i, kind in enumerate(order) if isinstance(reason, kind)), 9))
