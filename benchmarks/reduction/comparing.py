"""A whole group: every case in turns, in random order, checked against each other."""

from __future__ import annotations

import random
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.reduction.case import Case, Group
from benchmarks.reduction.measuring import MissingPeer, Sample, Worker

__all__ = ["Figures", "check", "compare"]

CHECKED = 8  # frames that every case is run on before the clock starts: it compiles, and is compared


@dataclass
class Figures:
    """What was measured of a group: samples per frame, and who was not there.

    Attributes
    ----------
    kept, fresh
        By case: of processes that are kept, and of new ones, which have run on a few frames only.
    missing
        By case: why.
    """

    kept: dict[str, list[Sample]] = field(default_factory=lambda: defaultdict(list))
    fresh: dict[str, list[Sample]] = field(default_factory=lambda: defaultdict(list))
    missing: dict[str, str] = field(default_factory=dict)


class _Kept:
    """A case whose process is there."""

    def __init__(self, case: Case, worker: Worker, frames: int, folder: Path) -> None:
        self.case, self.worker, self.folder = case, worker, folder
        self.frames = max(CHECKED, int(frames * case.share))

    def warm(self) -> None:
        self.worker.run(min(CHECKED, self.frames), self.file(CHECKED))

    def sample(self, *, to: bool = False) -> Sample:
        whole = self.worker.run(self.frames, self.file(self.frames) if to else None)
        if not self.case.slope:
            return _per(whole, self.frames)
        part = self.worker.run(max(1, self.frames // 4))
        more = Sample(max(whole.wall - part.wall, 0.0), max(whole.cpu - part.cpu, 0.0), whole.peak)
        return _per(more, self.frames - max(1, self.frames // 4))

    def file(self, frames: int) -> Path:
        return self.folder / f"{frames:08d} {self.case.name.replace('/', ' ')}.npz"


def _per(sample: Sample, frames: int) -> Sample:
    return Sample(sample.wall / frames, sample.cpu / frames, sample.peak)


def compare(
    group: Group, folder: Path, frames: int, rounds: int, *, only: list[str] | None = None, fresh: int = 0
) -> Figures:
    """Measure a group: so many rounds with processes that are kept, then some with new ones.

    Raises
    ------
    SystemExit
        A case gives other numbers.
    """
    figures, path = Figures(), group.write(folder, frames)
    results = folder / f"results-{group.name}"
    results.mkdir(exist_ok=True)
    with ExitStack() as stack:
        kept = []
        for case in group.cases:
            if only and case.name not in only:
                continue
            try:
                kept.append(_Kept(case, stack.enter_context(Worker(group.name, case.name, path)), frames, results))
            except MissingPeer as error:
                figures.missing[case.name] = str(error)
        for one in kept:
            one.warm()
        for number in range(rounds):
            for one in random.sample(kept, len(kept)):
                figures.kept[one.case.name].append(one.sample(to=number == 0))
            if number == 0:
                check(group, results)
    for _ in range(fresh):
        for one in random.sample(kept, len(kept)):
            with Worker(group.name, one.case.name, path) as worker:
                new = _Kept(one.case, worker, frames, results)
                new.warm()
                figures.fresh[one.case.name].append(new.sample())
    return figures


def check(group: Group, results: Path) -> None:
    """Compare what the cases gave, each with the first of those that ran on as many frames."""
    found: dict[str, dict[str, Path]] = defaultdict(dict)
    for path in sorted(results.glob("*.npz")):
        frames, _, name = path.stem.partition(" ")
        found[frames][name] = path
    order = [case.name.replace("/", " ") for case in group.cases]
    for files in found.values():
        names = [name for name in order if name in files]
        with ExitStack() as stack:
            values = [stack.enter_context(np.load(files[name])) for name in names]
            for name, theirs in zip(names[1:], values[1:], strict=True):
                for key in set(theirs.files) & set(values[0].files):
                    _equal(values[0][key], theirs[key], group.tolerance, f"{group.name}: {name}, {key}")


def _equal(right: np.ndarray, found: np.ndarray, tolerance: float, what: str) -> None:  # type: ignore[type-arg]
    if right.shape != found.shape:
        raise SystemExit(f"{what}: shape {found.shape} instead of {right.shape}")
    some = np.isfinite(right.astype("f8")) & np.isfinite(found.astype("f8"))
    if not some.any():
        raise SystemExit(f"{what}: no numbers")
    largest = float(np.abs(right[some].astype("f8")).max())
    error = float(np.abs(right[some].astype("f8") - found[some].astype("f8")).max()) / (largest or 1.0)
    if error > tolerance:
        raise SystemExit(f"{what}: deviates by {error:.1e}")
