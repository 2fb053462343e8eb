"""What goes wrong at a real beamline: a file cut off when the detector's computer died, and the log that tells."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from panosc_analysis.demo.frames import generator
from panosc_analysis.demo.nexus_entry import add_group, scan_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from panosc_analysis.demo.nexus_entry import ScanHeader

__all__ = ["CrashedScan"]

FRAMES: Final = 8
SHAPE: Final = (256, 256)
WRITTEN: Final = 0.6  # share of the file that reached the disk


@dataclass(frozen=True, slots=True)
class CrashedScan:
    """A scan whose file ends in the middle, and the log of the day, which also names the scans `before` it."""

    header: ScanHeader
    before: Sequence[ScanHeader]

    @property
    def nbytes(self) -> int:
        """Size of what the detector would have written, in bytes."""
        return FRAMES * SHAPE[0] * SHAPE[1] * 4

    def write(self, raw: Path, _processed: Path, seed: int, advance: Callable[[int], None]) -> None:
        """Write a whole file, then cut it off; HDF5 refuses to open the rest as truncated."""
        path = raw / f"{self.header.stem}.h5"
        counts = generator(seed, self.header.pid).poisson(1.0, (FRAMES, *SHAPE)).astype(np.uint32)
        with scan_file(path, self.header) as entry:
            add_group(entry["instrument"], "detector", "NXdetector").create_dataset("data", data=counts)
        os.truncate(path, int(path.stat().st_size * WRITTEN))
        log = raw / f"{self.header.instrument.short_name}_{self.header.start:%Y%m%d}.log"
        log.write_text(self._log(), encoding="utf-8")
        # Untouched since that day: a file that ends too early and is fresh may still be on its way.
        died = self.header.start.timestamp()
        os.utime(path, (died, died))
        advance(self.nbytes)

    def _log(self) -> str:
        lines = []
        for header in self.before:
            end = header.start + header.duration
            lines.append(f"{header.start.isoformat()} INFO  scan {header.number} started: {header.title}")
            lines.append(f"{end.isoformat()} INFO  scan {header.number} finished, {header.stem}.h5 closed")
        start = self.header.start
        lost = start + timedelta(seconds=3)
        lines += [
            f"{start.isoformat()} INFO  scan {self.header.number} started: {self.header.title}",
            f"{lost.isoformat()} ERROR detector: connection lost after frame 5 of {FRAMES}, file left unfinished",
            f"{(lost + timedelta(minutes=2)).isoformat()} INFO  detector restarted, scan not repeated",
        ]
        return "\n".join(lines) + "\n"
