"""What becomes of a reduction that is disturbed: it says so, and nothing that was done is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from panosc_analysis.errors import OpenError, ReductionCancelled
from panosc_analysis.nexus import ArrayHandle
from panosc_analysis.reduction import CancelToken, Progress, ReductionResult, ResultArray, Stack, Statistics, reduce
from panosc_analysis.reduction.steps.step import WholeFrames

Random = Callable[..., np.ndarray[Any, Any]]
Write = Callable[..., ArrayHandle]
SHAPE = (200, 20, 30)
PARAMETERS: dict[str, dict[str, Any]] = {
    "statistics": {},
    "difference": {"lag": 1},
    "peaks": {"threshold": 8.0},
    "rebin": {"frames": 200},
    "project": {"axis": 1},
}


class After(CancelToken):
    """Somebody who wants to stop after having been asked so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.left = times

    def is_set(self) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("step", PARAMETERS)
def test_what_was_cancelled_says_how_far_it_came(random: Random, write: Write, step: str) -> None:
    handle, token = write(random(SHAPE, "u2"), "bitshuffle-lz4", chunks=(1, 20, 30)), CancelToken()
    seen: list[int] = []

    def stop(progress: Progress) -> None:
        token.cancel()
        seen.append(progress.done)

    options: dict[str, Any] = {"parameters": PARAMETERS[step], "threads": 1, "buffer": 20_000}
    token.cancel()
    with pytest.raises(ReductionCancelled) as caught:
        reduce(handle, [step], cancel=token, progress=stop, **options)
    partial, done = caught.value.data["partial"], seen[-1]
    assert done < SHAPE[0]
    if done == 0:
        assert partial is None
    else:
        assert isinstance(partial, ReductionResult)
        assert partial.is_partial
        assert any(f"was stopped after {done} of 200 frames" in note for note in partial.notes)


@pytest.mark.parametrize("step", PARAMETERS)
@pytest.mark.parametrize("buffer", [20_000, 10_000_000])
def test_what_was_cancelled_goes_on_to_the_same_result(
    random: Random, write: Write, tmp_path: Path, step: str, buffer: int
) -> None:
    """Whenever it is stopped, between batches or within one, every frame counts once."""
    handle = write(random(SHAPE, "u2"), "bitshuffle-lz4", chunks=(1, 20, 30))
    options: dict[str, Any] = {"parameters": PARAMETERS[step], "threads": 1, "buffer": buffer}
    whole, kept, stops = reduce(handle, [step], **options), tmp_path / "kept", 0
    for times in range(1, 60):
        try:
            result = reduce(handle, [step], cancel=After(times), checkpoint=kept, **options)
            break
        except ReductionCancelled as error:
            stops += 1
            assert kept.exists() or error.data["partial"] is None  # noqa: PT017
    else:
        result = reduce(handle, [step], checkpoint=kept, **options)
    assert not kept.exists()
    assert stops or buffer > 20_000
    for name in whole:
        np.testing.assert_array_equal(result[name].values, whole[name].values)


def test_a_process_that_was_killed_is_gone_on_from(random: Random, write: Write, tmp_path: Path) -> None:
    handle, kept = write(random(SHAPE, "u2"), "bitshuffle-lz4", chunks=(1, 20, 30)), tmp_path / "kept"
    program = """
import os, signal, sys
from pathlib import Path
from panosc_analysis.nexus import ArrayHandle
from panosc_analysis.reduction import checkpoint, reduce

class Killer:
    def is_set(self):
        if kept.exists():
            os.kill(os.getpid(), signal.SIGKILL)
        return False

kept = Path(sys.argv[2])
reduce(ArrayHandle(Path(sys.argv[1]), "/entry/data/data"), ["statistics"], threads=1, buffer=3000, checkpoint=kept,
       checkpoint_every=0.0, cancel=Killer())
"""
    killed = subprocess.run([sys.executable, "-c", program, str(handle.file), str(kept)], check=False, timeout=120)
    assert killed.returncode == -signal.SIGKILL
    totals: list[int] = []
    result = reduce(handle, ["statistics"], checkpoint=kept, progress=lambda told: totals.append(told.total))
    assert 0 < max(totals) < SHAPE[0]
    assert not kept.exists()
    whole = reduce(handle, ["statistics"])
    for name in whole:
        np.testing.assert_array_equal(result[name].values, whole[name].values)


def test_a_full_disk_loses_the_checkpoint_and_nothing_else(random: Random, write: Write, tmp_path: Path) -> None:
    """A limit on file sizes makes writing fail as a full disk does."""
    handle, kept = write(random(SHAPE, "u2"), "bitshuffle-lz4", chunks=(1, 20, 30)), tmp_path / "kept"
    with pytest.raises(ReductionCancelled):
        reduce(handle, ["statistics"], threads=1, buffer=3000, checkpoint=kept, cancel=After(3))
    before = kept.read_bytes() if kept.exists() else b""
    program = """
import resource, sys
from pathlib import Path
from panosc_analysis.nexus import ArrayHandle
from panosc_analysis.reduction import reduce
from panosc_analysis.errors import ReductionCancelled

class After:
    left = 3
    def is_set(self):
        self.left -= 1
        return self.left < 0

handle = ArrayHandle(Path(sys.argv[1]), "/entry/data/data")
reduce(handle, ["statistics"], threads=1)  # what is compiled is kept on the disk too
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    result = reduce(handle, ["statistics"], threads=1, buffer=3000, checkpoint=sys.argv[2], checkpoint_every=0.0,
                    cancel=After())
except ReductionCancelled as error:
    result = error.data["partial"]
print(result.is_partial, *result.notes, sep="\\n")
"""
    command = [sys.executable, "-c", program, str(handle.file), str(kept)]
    said = subprocess.run(command, check=True, timeout=120, capture_output=True, text=True).stdout
    assert "could not be saved" in said
    if said.startswith("True"):
        assert (kept.read_bytes() if kept.exists() else b"") == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".kept")] == []
    result, whole = reduce(handle, ["statistics"], checkpoint=kept), reduce(handle, ["statistics"])
    for name in whole:
        np.testing.assert_array_equal(result[name].values, whole[name].values)


@dataclass(frozen=True)
class Cut(Statistics):
    """Does nothing but cut the file while frame 50 is added."""

    file: ClassVar[Path]
    length: ClassVar[int]
    name: ClassVar[str] = "cut"

    def prepare(self, stack: Stack) -> Any:
        return PreparedCut(self.file, self.length)


@dataclass(frozen=True)
class PreparedCut(WholeFrames):
    file: Path
    length: int

    def kernel(self, shared: object) -> PreparedCut:
        return self

    def start(self, first: int, frames: int) -> PreparedCut:
        return self

    def add(self, frames: np.ndarray[Any, Any], first: int) -> None:
        if first >= 50:
            os.truncate(self.file, self.length)

    def finish(self) -> None:
        """Find nothing."""

    def recorded(self) -> dict[str, Any]:
        return {}

    def arrays(self, found: None, labels: object) -> list[ResultArray]:
        return []


@pytest.mark.parametrize("codec", ["bitshuffle-lz4", "lzf"])
@pytest.mark.parametrize("step", PARAMETERS)
def test_a_file_that_is_cut_while_it_is_read(random: Random, write: Write, step: str, codec: str) -> None:
    """Chunks are read by plain calls, so that no signal ends the process; what was done is the error's partial."""
    handle = write(random(SHAPE, "u2"), codec, chunks=(1, 20, 30))
    table = handle.chunk_table()
    assert table is not None
    cut: type[Cut] = type("Cut", (Cut,), {"file": handle.file, "length": int(table.offset.flat[150]) + 5})
    steps = [cut(), step]
    options: dict[str, Any] = {"parameters": PARAMETERS[step], "threads": 1, "buffer": 3000}
    before = reduce(handle[:100], [step], **options)
    with pytest.raises(OpenError) as caught:
        reduce(handle, steps, **options)
    partial = caught.value.data["partial"]
    assert isinstance(partial, ReductionResult)
    assert partial.is_partial
    assert any("it could not go on" in note for note in partial.notes)
    if step == "statistics":
        assert int(partial["count"].values.max()) >= 50
        assert int(partial["count"].values.max()) <= 150
    assert list(partial) == list(before)
