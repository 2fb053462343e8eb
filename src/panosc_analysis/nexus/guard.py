"""The guard: whatever an HDF5 object names in other files stays inside the data directories, and is there.

An HDF5 file can read other files by an external link, by external raw storage and by a virtual dataset, each of which
may lead on to the next. HDF5 follows them all and asks nobody. A program that reads files for somebody else checks
first.

What this cannot see: a link that is swapped between the check and the reading, references to objects of other files
(HDF5 1.12), and filter plugins. The first wall is what is mounted; the guard is the second. And a file with damaged
bytes can crash the HDF5 library itself (seen with 2.0): who reads files for others does so in a process that may die.
"""

from __future__ import annotations

import os
import posixpath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py

from panosc_analysis.errors import NodeNotFound, OutsideRoots, PanoscError, SourceMissing
from panosc_analysis.locate.boundary import inside, is_inside
from panosc_analysis.nexus.attributes import is_group
from panosc_analysis.nexus.opener import H5File, open_file, reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["check_dataset", "check_links", "is_file_there", "missing_sources"]

_HOPS = 16  # HDF5 itself stops after 16 links
_OPENED = 16  # source files of one virtual dataset that are opened; the others are only looked for
_PREFIXES = ("HDF5_EXT_PREFIX", "HDF5_VDS_PREFIX", "HDF5_EXTFILE_PREFIX")


def check_dataset(file: H5File, path: str, roots: Sequence[Path]) -> None:
    """Refuse a path of which any byte would come from outside the roots.

    Opens every file that the path leads through, and the first 16 sources of a virtual dataset; reads no data.

    Raises
    ------
    OutsideRoots
        An external link, external storage or virtual source, at any number of hops, leaves the roots.
    SourceMissing
        A link leads nowhere or in a circle.
    NodeNotFound
        There is no such path.
    """
    inside(_name(file), roots)
    with reading(_name(file), path):
        _follow(file, _parts(path), tuple(roots), 0)


def check_links(file: H5File, roots: Sequence[Path], path: str = "/") -> tuple[str, ...]:
    """Check everything below a group; return the paths whose links lead nowhere.

    Costs one look at every link and dataset of the group, and the files they name.

    Raises
    ------
    OutsideRoots
        Something below the group leaves the roots.
    """
    check_dataset(file, path, roots)
    broken = []
    for below in _paths_below(file, path):
        try:
            check_dataset(file, below, roots)
        except OutsideRoots:
            raise
        except PanoscError:
            broken.append(below)
    return tuple(broken)


def missing_sources(dataset: h5py.Dataset, frames: int | range | None = None) -> tuple[str, ...]:
    """Return the source files (``file::dataset``) of a virtual dataset or external storage that are not there.

    HDF5 shows fill values where a source is missing, and says nothing. All files are looked for; only the first 16 are
    opened to see whether they hold the dataset.

    Parameters
    ----------
    dataset
        The dataset.
    frames
        Indices of the first axis that are wanted; sources of other ones do not matter. Everything without.
    """
    if not isinstance(dataset, h5py.Dataset):
        return ()
    own = _name(dataset.file)
    missing = [name for name, _, _ in dataset.external or [] if not _existing(name, own)]
    opened: set[tuple[str, str]] = set()
    for source, node in _virtual_sources(dataset, frames):
        found = [own] if source == "." else _existing(source, own)
        if not found:
            missing.append(f"{source}::{node}")
        elif len(opened) < _OPENED and (source, node) not in opened:
            opened.add((source, node))
            if not _holds(found[0], node):
                missing.append(f"{source}::{node}")
    return tuple(dict.fromkeys(missing))


def is_file_there(name: str, own: Path) -> bool:
    """Whether HDF5 would find a file of this name, named in another one; opens nothing."""
    return bool(_existing(name, own))


def _virtual_sources(dataset: h5py.Dataset, frames: int | range | None = None) -> Iterator[tuple[str, str]]:
    """(file, dataset) for each mapping; of an unlimited one, whose names contain ``%b``, the first block."""
    wanted = range(frames, frames + 1) if isinstance(frames, int) else frames
    if dataset.is_virtual:
        for source in dataset.virtual_sources():
            if wanted is not None and None not in dataset.maxshape and not _meets(source.vspace, wanted):
                continue
            name = source.file_name.replace("%b", "0").replace("%%", "%")
            yield name, source.dset_name.replace("%b", "0").replace("%%", "%")


def _meets(space: Any, wanted: range) -> bool:
    """Whether a mapping fills frames that are wanted, or any between the first and the last of them."""
    if not wanted:
        return False
    low, high = space.get_select_bounds()
    return bool(low[0] <= max(wanted) and high[0] >= min(wanted))


def _holds(file: Path, node: str) -> bool:
    try:
        with open_file(file) as source:
            return node in source
    except PanoscError:
        return False


def _follow(file: H5File, parts: list[str], roots: tuple[Path, ...], hops: int) -> None:
    """Walk a path link by link, as HDF5 would, and check where each link leads before it is used."""
    if hops > _HOPS:
        raise _leads_nowhere(file, parts, "too many links, perhaps in a circle")
    node, walked = file["/"], ""
    for position, part in enumerate(parts):
        link = node.get(part, getlink=True) if is_group(node) else None
        if link is None:
            raise NodeNotFound(
                f"There is no {part!r} in {walked or '/'} of {_name(file)}",
                hint="List what the file holds",
                path=str(_name(file)),
            )
        rest = parts[position + 1 :]
        if isinstance(link, h5py.ExternalLink):
            target = _allowed(link.filename, file, roots)
            with open_file(target, roots=roots) as other:
                return _follow(other, _parts(link.path) + rest, roots, hops + 1)
        if isinstance(link, h5py.SoftLink):
            return _follow(file, _parts(posixpath.join(walked or "/", link.path)) + rest, roots, hops + 1)
        node, walked = node[part], f"{walked}/{part}"
    if isinstance(node, h5py.Dataset):
        _check_storage(node, file, roots, hops)
    return None


def _check_storage(dataset: h5py.Dataset, file: H5File, roots: tuple[Path, ...], hops: int) -> None:
    for name, _, _ in dataset.external or []:
        _allowed(name, file, roots)
    opened: set[tuple[str, str]] = set()
    for source, node in _virtual_sources(dataset):
        if source == ".":
            if node != dataset.name:
                _follow(file, _parts(node), roots, hops + 1)
            continue
        try:
            target = _allowed(source, file, roots)
        except SourceMissing:
            continue  # an absent source inside the roots harms nobody; `missing_sources` reports it
        # Every source is opened, unlike in `missing_sources`: the second hop is where a file leaves the roots.
        if (source, node) not in opened:
            opened.add((source, node))
            with open_file(target, roots=roots) as other:
                _follow(other, _parts(node), roots, hops + 1)


def _allowed(name: str, file: H5File, roots: tuple[Path, ...]) -> Path:
    """Return the file that HDF5 would take for this name, if no candidate that it could take leaves the roots."""
    own = _name(file)
    candidates = _candidates(name, own)
    existing = [c for c in candidates if c.exists()]
    for candidate in existing or candidates[:1]:
        if not is_inside(candidate, roots):
            raise OutsideRoots(
                f"{own} names {name!r}, which is outside the data directories of this session",
                hint="Ask whoever made the file for one that holds its data or keeps them beside it",
                path=str(own),
            )
    if not existing:
        raise SourceMissing(
            f"{own} names {name!r}, which is not there",
            hint="Fetch the files that belong to this one and keep them where it expects them",
            path=str(own),
        )
    return existing[0]


def _candidates(name: str, own: Path) -> list[Path]:
    """Where HDF5 looks: as it stands if absolute, below the prefixes, beside the file, in the working directory."""
    folder = Path(os.path.realpath(own)).parent
    name = name.replace("${ORIGIN}", str(folder))
    bases = [Path(p) for variable in _PREFIXES for p in os.environ.get(variable, "").split(os.pathsep) if p]
    bases += [folder, own.absolute().parent, Path.cwd()]
    names = [name] if not os.path.isabs(name) else [os.path.basename(name)]
    first = [Path(name)] if os.path.isabs(name) else []
    return list(dict.fromkeys(first + [base / n for base in bases for n in names]))


def _existing(name: str, own: Path) -> list[Path]:
    return [c for c in _candidates(name, own) if c.is_file()]


def _paths_below(file: H5File, path: str) -> Iterator[str]:
    """Every path reachable by hard links, each group once, so that a circle of hard links ends."""
    queue, seen = [path.rstrip("/") or "/"], set()
    while queue:
        group_path = queue.pop()
        group: Any = file[group_path]
        if not is_group(group) or (address := h5py.h5o.get_info(group.id).addr) in seen:
            continue
        seen.add(address)
        for name in group:
            below = posixpath.join(group_path, name)
            yield below
            if isinstance(group.get(name, getlink=True), h5py.HardLink):
                queue.append(below)


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _name(file: H5File) -> Path:
    return Path(file.filename)


def _leads_nowhere(file: H5File, parts: list[str], why: str) -> SourceMissing:
    return SourceMissing(
        f"/{'/'.join(parts)} in {_name(file)} is a link that leads nowhere ({why})",
        hint="Look at another path of this file",
        path=str(_name(file)),
    )
