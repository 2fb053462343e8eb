"""Sums over bins for each frame: from compressed blocks where these are at hand, from pixels elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.errors import ReductionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.reduction.batch import Batch, Blocks
    from panosc_analysis.reduction.integration.binning import Binning
    from panosc_analysis.reduction.rows import Pixels
    from panosc_analysis.reduction.team import Team

__all__ = ["FrameBins", "FrameBinsKernel"]

_MOST_LANE_BINS = 16_384  # beyond these the sums of 16 frames leave the cache, and pixels are added one by one
_CHANGES_PER_FRAME = 4096
LANES = 16
"""Frames that are summed at a time."""


@dataclass(frozen=True, eq=False, slots=True)
class FrameBins:
    """What was found, frame by frame; see `Binning.sum` for the sums.

    Parameters
    ----------
    signal, norm
        Σw(v − d) and Σw n, shape (frames, bins).
    variance
        Σw²σ²; ``None`` if not asked for.
    missing
        Frames that could not be read.
    """

    signal: NDArray[np.float64]
    norm: NDArray[np.float64]
    variance: NDArray[np.float64] | None
    missing: NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class FrameBinsKernel:
    """Keeps sums over bins for each frame. Memory: 16 or 24 bytes per frame and bin.

    Parameters
    ----------
    binning
        The bins.
    pixels
        Which pixels count.
    gaps
        Pixels that are expected to have no value, as the first frame shows them.
    frames
        Of the stack.
    poisson
        Whether to keep the variance of counts.
    """

    binning: Binning
    pixels: Pixels
    gaps: NDArray[np.bool_]
    frames: int
    poisson: bool

    def start(self, first: int, frames: int) -> _FrameSums:
        """Begin with no frames."""
        return _FrameSums(self)


class _Lanes:
    """What the kernels for compressed blocks want to know of the pixels."""

    def __init__(self, binning: Binning, valid: NDArray[np.bool_], gaps: NDArray[np.bool_]) -> None:
        usable = binning.valid & valid & (np.diff(binning.indptr) > 0)
        self.kept, self.gaps = usable & ~gaps, usable & gaps
        self.kinds = (self.kept + 2 * self.gaps).astype(np.uint8)
        self.kept_bits, self.gap_bits = _words(self.kept), _words(self.gaps)
        self.places = binning.places(self.kept) if binning.is_whole else None
        self.norm = binning.sum(np.where(self.kept, binning.norm, 0))
        self.dark = binning.sum(np.where(self.kept, binning.dark, 0))


@lru_cache(maxsize=2)
def _lanes(binning: Binning, valid: bytes, gaps: bytes) -> _Lanes:
    """Make them of the bits of the pixels, or take those that the last reductions used."""
    pixels = (np.unpackbits(np.frombuffer(b, np.uint8), count=len(binning.norm)).view(np.bool_) for b in (valid, gaps))
    return _Lanes(binning, *pixels)


class _FrameSums:
    """Sums of some frames: (first frame, signal, variance, norm) for each share of a batch."""

    whole_batches = True

    def __init__(self, kernel: FrameBinsKernel) -> None:
        self.kernel = kernel
        self.pieces: list[tuple[int, NDArray[Any], NDArray[Any] | None, NDArray[Any]]] = []
        self._lanes: _Lanes | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_lanes": None}

    def add_batch(self, batch: Batch, team: Team) -> None:
        shares = _shares(batch.count, team.threads)
        blocks = batch.blocks
        if blocks is not None and self._takes(blocks):
            if self._lanes is None:
                valid, gaps = (np.packbits(some).tobytes() for some in (self.kernel.pixels.valid, self.kernel.gaps))
                self._lanes = _lanes(self.kernel.binning, valid, gaps)
            done = team.map(lambda share: self._from_blocks(blocks, *share), shares)
            if all(piece is not None for piece in done):
                self._keep(batch.first, shares, done)
                return
        frames = batch.frames(team)
        self._keep(batch.first, shares, team.map(lambda share: self._from_pixels(frames[slice(*share)]), shares))

    def add(self, frames: NDArray[Any], first: int) -> None:
        self._keep(first, [(0, len(frames))], [self._from_pixels(frames)])

    def merge(self, other: _FrameSums) -> None:
        self.pieces = self.pieces + other.pieces

    def finish(self) -> FrameBins:
        if not self.pieces:
            raise ReductionError("No frame could be read", hint="Look at the file; reduce another one")
        shape = (self.kernel.frames, self.kernel.binning.bins)
        signal, norm = np.zeros(shape), np.zeros(shape)
        variance = np.zeros(shape) if self.kernel.poisson else None
        missing = np.ones(shape[0], np.bool_)
        for first, sums, squares, total in self.pieces:
            part = slice(first, first + len(sums))
            signal[part], norm[part], missing[part] = sums, total, False
            if variance is not None and squares is not None:
                variance[part] = squares
        return FrameBins(signal, norm, variance, missing)

    def _keep(self, first: int, shares: list[tuple[int, int]], done: list[Any]) -> None:
        for (begin, _), piece in zip(shares, done, strict=True):
            self.pieces.append((first + begin, *piece))

    def _takes(self, blocks: Blocks) -> bool:
        kind = blocks.dtype
        marker = self.kernel.pixels.masked_value
        return (
            not self.kernel.poisson
            and self.kernel.binning.bins <= _MOST_LANE_BINS
            and blocks.layout.is_plain
            and blocks.per_block % 64 == 0
            and kind.kind == "u"
            and kind.itemsize <= 4
            and marker in (None, int(np.iinfo(kind).max))
        )

    def _from_blocks(self, blocks: Blocks, begin: int, end: int) -> tuple[NDArray[Any], None, NDArray[Any]] | None:
        """Sum some frames of a batch; ``None`` where they are too different from the first one."""
        from panosc_analysis.reduction.kernels.integrate import CHANGED, DAMAGED, add_split, add_whole

        lanes, binning = self._lanes, self.kernel.binning
        if lanes is None:
            raise AssertionError("made before the first batch")
        starts, like = np.ascontiguousarray(blocks.starts[begin:end]), np.empty(0, blocks.dtype)
        marker = -1 if self.kernel.pixels.masked_value is None else self.kernel.pixels.masked_value
        changes = np.empty((_CHANGES_PER_FRAME * (end - begin), 3), np.int64)
        whole = lanes.places is not None
        out = np.zeros((end - begin, binning.bins), np.int64 if whole else np.float64)
        common = (blocks.base, starts, blocks.per_block, lanes.kinds, lanes.kept_bits, lanes.gap_bits)
        if whole:
            state, number = add_whole(*common, lanes.places, like, marker, changes, out)
        else:
            matrix = (binning.indptr, binning.indices, binning.weights)
            state, number = add_split(*common, *matrix, like, marker, changes, out)
        if state == DAMAGED:
            raise blocks.damaged(begin + int(number))
        if state == CHANGED:
            return None
        signal = out - lanes.dark
        norm = np.broadcast_to(lanes.norm, signal.shape)
        return (signal, None, norm) if number == 0 else (*self._changed(signal, changes[:number]),)

    def _changed(self, signal: NDArray[Any], changes: NDArray[np.int64]) -> tuple[NDArray[Any], None, NDArray[Any]]:
        """Put right what the pixels did that came or went: (frame, pixel, value), the value -1 for one that went."""
        lanes, binning = self._lanes, self.kernel.binning
        if lanes is None:
            raise AssertionError("made before the first batch")
        norm = np.repeat(lanes.norm[None], len(signal), axis=0)
        frame, pixel, value = changes.T
        first, number = binning.indptr[pixel], np.diff(binning.indptr)[pixel]
        entry = np.repeat(first - np.cumsum(number) + number, number) + np.arange(number.sum())
        frame, pixel, value = (np.repeat(column, number) for column in (frame, pixel, value))
        weight, sign = binning.weights[entry].astype(np.float64), np.where(value < 0, -1.0, 1.0)
        place = (frame, binning.indices[entry])
        np.add.at(norm, place, sign * weight * binning.norm[pixel])
        np.add.at(signal, place, weight * (np.maximum(value, 0) - sign * binning.dark[pixel]))
        # What is left where every pixel of a bin went is rounding.
        norm[norm < 1e-9 * lanes.norm.max()] = 0
        return signal, None, norm

    def _from_pixels(self, frames: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any] | None, NDArray[Any]]:
        from panosc_analysis.reduction.kernels.bins import add_pixels

        binning, pixels = self.kernel.binning, self.kernel.pixels
        signal, variance, norm = np.zeros((3, len(frames), binning.bins))
        marked = pixels.masked_value is not None
        marker = frames.dtype.type(pixels.masked_value if marked else 0)
        add_pixels(
            frames,
            binning.valid & pixels.valid,
            marker,
            marked,
            binning.indptr,
            binning.indices,
            binning.weights,
            binning.norm,
            binning.dark,
            self.kernel.poisson,
            signal,
            variance,
            norm,
        )
        return signal, variance if self.kernel.poisson else None, norm


def _words(pixels: NDArray[np.bool_]) -> NDArray[np.uint64]:
    padded = np.zeros(-(-len(pixels) // 64) * 64, np.bool_)
    padded[: len(pixels)] = pixels
    return np.packbits(padded, bitorder="little").view(np.uint64)


def _shares(count: int, threads: int) -> list[tuple[int, int]]:
    """Divide frames into shares of one vector of 16 each, so that no thread waits long for another."""
    if threads == 1:
        return [(0, count)]
    return [(first, min(first + LANES, count)) for first in range(0, count, LANES)]
