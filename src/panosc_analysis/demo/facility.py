"""The whole facility: who has which proposal, what was measured for it, where it lies.

::

    DIR/facility.json
    DIR/<proposal>/<beamline>/<YYYYMMDD>/RAW_DATA/         what the instrument wrote
    DIR/<proposal>/<beamline>/<YYYYMMDD>/PROCESSED_DATA/   geometries, and what must come out (``*_known_answer.json``)
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from panosc_analysis.demo.absorption import absorption_scans
from panosc_analysis.demo.aside import made_aside
from panosc_analysis.demo.crashed import CrashedScan
from panosc_analysis.demo.events import event_scans
from panosc_analysis.demo.fluorescence import fluorescence_maps
from panosc_analysis.demo.nexus_entry import FACILITY_NAME, Proposal
from panosc_analysis.demo.powder import lab6_header, powder_scans
from panosc_analysis.demo.saxs import saxs_scans
from panosc_analysis.demo.tomography import tomography_scans
from panosc_analysis.errors import PanoscError, SaveError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from panosc_analysis.demo.nexus_entry import ScanHeader

__all__ = ["PROPOSALS", "Facility", "make_facility"]

HC_5001: Final = Proposal(
    "hc-5001", "Thermal expansion of lanthanum hexaboride", date(2029, 5, 13), public=False, members=("alice",)
)
MA_6203: Final = Proposal(
    "ma-6203",
    "Inclusions in amber and rock, from structure to elements",
    date(2029, 5, 22),
    public=False,
    members=("bob",),
)
ES_1402: Final = Proposal(
    "es-1402", "Iron and copper speciation standards", date(2029, 5, 27), public=False, members=("alice", "bob")
)
OPEN: Final = Proposal(
    "open", "Reference measurements for teaching, open to everybody", date(2024, 9, 22), public=True, members=("ines",)
)
PROPOSALS: Final = (HC_5001, MA_6203, ES_1402, OPEN)


@dataclass(frozen=True, slots=True)
class Facility:
    """A demo facility on disk: where it lies, its proposals, number and size (bytes) of its files."""

    name: str
    directory: Path
    proposals: tuple[Proposal, ...]
    files: int
    size: int


@dataclass(frozen=True, slots=True)
class _Amount:
    """How much of each technique; `disk` is the expected size in bytes after compression."""

    powder_frames: tuple[int, int, int]
    saxs_frames: tuple[int, int, int]
    frames_per_file: int
    angles: int
    width: int
    map_shape: tuple[int, int]
    events: int
    pulses: int
    disk: float


_AMOUNTS: Final[dict[str, _Amount]] = {
    "tiny": _Amount((2, 6, 2), (2, 2, 2), 4, 24, 64, (12, 16), 20_000, 100, 15e6),
    "small": _Amount((20, 100, 20), (10, 30, 10), 40, 180, 256, (60, 80), 600_000, 1_500, 120e6),
    "medium": _Amount((600, 3_600, 600), (100, 400, 100), 200, 720, 640, (200, 240), 10_000_000, 15_000, 2.1e9),
    "large": _Amount(
        (6_000, 44_000, 6_000), (1_000, 4_000, 1_000), 1_000, 1_800, 1_280, (500, 600), 120_000_000, 90_000, 25e9
    ),
}


class _Scan(Protocol):
    @property
    def header(self) -> ScanHeader: ...

    @property
    def nbytes(self) -> int: ...

    def write(self, raw: Path, processed: Path, seed: int, advance: Callable[[int], None], /) -> None: ...


def make_facility(
    directory: str | Path,
    size: str = "small",
    seed: int = 0,
    progress: Callable[[int, int, str], None] | None = None,
) -> Facility:
    """Write a facility's tree with data that could be real.

    The same size and seed give the same bytes on every machine with the same libraries. On two cores small takes about
    10 s and 80 MB, medium 2.1 GB, large 17 min and 23 GB (101 files); tiny is for tests.
    Files are made read-only. Nothing appears at `directory` before everything is written: it is made as
    ``DIRECTORY.partial``.

    Parameters
    ----------
    directory
        Where to put it; must not exist or be empty.
    size
        How much of everything.
    seed
        Seed of the noise and of the samples' structure.
    progress
        Called with bytes done, bytes in all (both before compression) and the title of the scan being written.

    Raises
    ------
    SaveError
        The directory holds something, cannot be written, or the disk has too little space.
    PanoscError
        An unknown size, a negative seed, or pyFAI is not installed.
    """
    target = Path(directory).expanduser().absolute()
    amount = _checked(size, seed)
    _check_space(target, amount)
    with made_aside(target) as unfinished:
        _write_scans(unfinished, _plan(amount), seed, progress)
        _write_table(unfinished)
        files, size_on_disk = _seal(unfinished)
    return Facility(FACILITY_NAME, target, PROPOSALS, files, size_on_disk)


def _checked(size: str, seed: int) -> _Amount:
    if size not in _AMOUNTS:
        raise PanoscError(f"There is no demo facility of size {size!r}", hint="Choose small, medium or large")
    if seed < 0:
        raise PanoscError(f"A seed cannot be negative ({seed})", hint="Give 0 or a positive whole number")
    return _AMOUNTS[size]


def _check_space(target: Path, amount: _Amount) -> None:
    parent = next(folder for folder in target.parents if folder.is_dir())
    free = shutil.disk_usage(parent).free
    # Before, not while writing: HDF5 2.0 may crash the whole process when the disk fills up under an open file.
    needed = amount.disk * 1.1
    if free < needed:
        raise SaveError(
            f"{parent} has {free / 1e6:,.0f} MB left, the facility needs {needed / 1e6:,.0f} MB",
            hint="Free some space, choose another directory or a smaller size",
            path=str(target),
        )


def _plan(amount: _Amount) -> list[_Scan]:
    powder = powder_scans(HC_5001, amount.powder_frames, amount.frames_per_file)
    headers = [scan.header for scan in powder]
    noon = datetime.fromisoformat("2026-05-12T12:41:26+02:00")
    crashed = lab6_header(HC_5001, len(headers) + 1, 600, max(noon, headers[-1].start + headers[-1].duration), 8)
    return [
        *powder,
        CrashedScan(crashed, headers),
        *tomography_scans(MA_6203, 1, amount.angles, amount.width),
        *fluorescence_maps(MA_6203, 3, *amount.map_shape),
        *absorption_scans(ES_1402),
        *event_scans(OPEN, 1, amount.events, amount.pulses),
        *saxs_scans(OPEN, 3, amount.saxs_frames, amount.frames_per_file),
    ]


def _write_scans(
    root: Path, scans: Sequence[_Scan], seed: int, progress: Callable[[int, int, str], None] | None
) -> None:
    meter = _Meter(sum(scan.nbytes for scan in scans), progress)
    for scan in scans:
        raw, processed = (root / scan.header.folder / name for name in ("RAW_DATA", "PROCESSED_DATA"))
        raw.mkdir(parents=True, exist_ok=True)
        processed.mkdir(exist_ok=True)
        scan.write(raw, processed, seed, partial(meter.advance, scan.header.title))
    meter.finish()


class _Meter:
    """Adds up what is done; never above the plan, from which the drawn number of events differs a little."""

    def __init__(self, total: int, progress: Callable[[int, int, str], None] | None) -> None:
        self._done = 0
        self._total = total
        self._progress = progress

    def advance(self, what: str, nbytes: int) -> None:
        self._done = min(self._done + nbytes, self._total)
        if self._progress:
            self._progress(self._done, self._total, what)

    def finish(self) -> None:
        if self._progress:
            self._progress(self._total, self._total, "done")


def _write_table(root: Path) -> None:
    table: dict[str, Any] = {
        "facility": FACILITY_NAME,
        "proposals": [
            {
                "id": proposal.id,
                "title": proposal.title,
                "directory": proposal.id,
                "release_date": proposal.release_date.isoformat(),
                "public": proposal.public,
                "members": list(proposal.members),
            }
            for proposal in PROPOSALS
        ],
    }
    (root / "facility.json").write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


def _seal(root: Path) -> tuple[int, int]:
    """Make the files read-only and count them: number and bytes."""
    files = [path for path in root.rglob("*") if path.is_file() and not path.name.startswith(".")]
    for path in files:
        path.chmod(0o444)
    for folder in [root, *(path for path in root.rglob("*") if path.is_dir())]:
        folder.chmod(0o755)
    return len(files), sum(path.stat().st_size for path in files)
