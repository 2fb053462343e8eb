"""Where the files of a dataset are: those found, those missing with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from panosc_analysis.errors import FileNotHere, LocateError
from panosc_analysis.locate.resolvers import MountedPathResolver, Resolver, strongest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from panosc_analysis.model import Dataset, File
    from panosc_analysis.settings import Settings

__all__ = ["Located", "LocatedFile", "Missing", "locate"]

_NEXUS = (".nxs", ".h5", ".hdf5", ".hdf", ".nx5", ".he5", ".cxi")


@dataclass(frozen=True, slots=True)
class LocatedFile:
    """A file of a dataset and where it can be opened."""

    file: File
    path: Path


@dataclass(frozen=True, slots=True)
class Missing:
    """A file of a dataset that cannot be opened here, and why."""

    file: File
    error: LocateError


@dataclass(frozen=True, slots=True)
class Located:
    """What was found of a dataset.

    Parameters
    ----------
    dataset
        The record.
    files
        Files that are here, the one to open first: HDF5 before others, a master file before its parts.
    missing
        Files that are not, each with the reason.
    """

    dataset: Dataset
    files: tuple[LocatedFile, ...]
    missing: tuple[Missing, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        """Paths of the files that are here, in the order of `files`."""
        return tuple(one.path for one in self.files)

    @property
    def main(self) -> Path:
        """The file to open.

        Raises
        ------
        LocateError
            No file is here.
        """
        return self.require().files[0].path

    def require(self) -> Located:
        """Return this if at least one file is here.

        Raises
        ------
        FileNotHere, NotYours, OutsideRoots
            The reason for the first file, if none is here.
        """
        if not self.files:
            raise self.missing[0].error if self.missing else _lists_nothing(self.dataset)
        return self


def locate(dataset: Dataset, settings: Settings, *, resolvers: Sequence[Resolver] | None = None) -> Located:
    """Find the files of a dataset on this machine.

    Opens no file and asks no network; costs a few looks at the file system per file.

    Parameters
    ----------
    dataset
        A record with its files.
    settings
        Its data directories are tried in order; those of other providers are left out.
    resolvers
        Other ways to files, instead of the data directories.
    """
    if resolvers is None:
        roots = [root for root in settings.roots if root.provider in (None, dataset.provider)]
        resolvers = [MountedPathResolver(root) for root in roots]
    found: list[LocatedFile] = []
    missing: list[Missing] = []
    for file in dataset.files:
        answer = _find(file, dataset, resolvers)
        if isinstance(answer, Path):
            found.append(LocatedFile(file, answer))
        else:
            missing.append(Missing(file, answer))
    return Located(dataset, tuple(sorted(found, key=_first_to_open)), tuple(missing))


def _find(file: File, dataset: Dataset, resolvers: Sequence[Resolver]) -> Path | LocateError:
    reasons: list[LocateError] = []
    for resolver in resolvers:
        try:
            return resolver.find(file, dataset)
        except LocateError as error:
            reasons.append(error)
    return strongest(reasons) if reasons else _no_directory(file, dataset)


def _first_to_open(one: LocatedFile) -> tuple[bool, bool]:
    """Sort key; the catalogue's order decides between equals."""
    name = PurePosixPath(one.path.name.lower())
    return name.suffix not in _NEXUS, "master" not in name.stem


def _no_directory(file: File, dataset: Dataset) -> FileNotHere:
    return FileNotHere(
        f"{file.name!r} is listed by {dataset.provider or 'the catalogue'}, and no data directory is set for it",
        hint="Name the directory where its data are mounted in PANOSC_DATA_ROOTS or in the settings file",
        file=file.name,
    )


def _lists_nothing(dataset: Dataset) -> FileNotHere:
    return FileNotHere(
        f"The record of {dataset.pid} lists no files",
        hint="Ask the provider for the record with its files, or open the file by its path",
        pid=dataset.pid,
    )
