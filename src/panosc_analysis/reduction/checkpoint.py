"""Partial results on disk, so that a reduction that was ended goes on where it was.

The file holds the sums of what was done, and a key of what they belong to: the files as they were, the selection and
the kernel. It is replaced as a whole, so that a crash or a full disk leaves the one before. Only arrays and classes of
this package are read back from it, whatever else somebody has put in.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from panosc_analysis.errors import ReductionError

if TYPE_CHECKING:
    from panosc_analysis.reduction.frames import Route
    from panosc_analysis.reduction.work import Job, Part

__all__ = ["EVERY", "Checkpoint"]

EVERY = 30.0
"""Seconds between two writings, if nothing else is said."""

_FORMAT = "panosc-analysis partial result 1"
_OURS = "panosc_analysis.reduction."
_ALLOWED = {
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
    ("builtins", "set"),
    ("builtins", "range"),
    ("builtins", "slice"),
    ("copyreg", "_reconstructor"),
    ("builtins", "object"),
    ("collections", "deque"),
    ("pathlib", "PosixPath"),
    ("panosc_analysis.nexus.array", "ArrayHandle"),
}


class Checkpoint:
    """The partial result of one reduction in one file.

    Parameters
    ----------
    path
        The file; made with the first partial result, removed by `finish`.
    job, route
        What it belongs to.
    every
        Seconds between two writings.
    """

    def __init__(self, path: Path, job: Job, route: Route, every: float = EVERY) -> None:
        self.path, self.note, self.every = path, "", every
        state = route.table.fingerprint if route.table is not None else _state(job.stack.handle.file)
        told = pickle.dumps((job.stack, job.kernel, job.errors, state))
        self._key = hashlib.sha256(told).hexdigest()
        self._written = time.monotonic()

    def read(self) -> Part | None:
        """Read what is there; ``None`` if nothing is.

        Raises
        ------
        ReductionError
            The file belongs to another reduction, or is none of ours.
        """
        try:
            with self.path.open("rb") as file:
                # One reader for each value: a reader's memory of what came before belongs to one writer's.
                if _Unpickler(file).load() != _FORMAT:
                    raise pickle.UnpicklingError("not a partial result")
                key, part = _Unpickler(file).load(), None
                if key == self._key:
                    part = _Unpickler(file).load()
        except FileNotFoundError:
            return None
        except (pickle.UnpicklingError, EOFError, AttributeError, ValueError, OSError, TypeError) as error:
            raise ReductionError(
                f"{self.path} is not a partial result that can be read ({error})",
                hint="Name another file, or remove this one to begin anew",
                path=str(self.path),
            ) from error
        if part is None:
            raise ReductionError(
                f"{self.path} holds the partial result of another reduction, or of files that have changed",
                hint="Name another file, or remove this one to begin anew",
                path=str(self.path),
            )
        found: Part = part
        return found

    def offer(self, parts: list[Part]) -> None:
        """Write if it is time; the parts together are what is done."""
        if time.monotonic() - self._written >= self.every:
            self.write(parts)

    def write(self, parts: list[Part]) -> None:
        """Write now. A failure is noted and stops nothing; what was there before stays."""
        from panosc_analysis.reduction.work import merged

        self._written = time.monotonic()
        name = None
        try:
            with tempfile.NamedTemporaryFile(dir=self.path.parent, prefix=f".{self.path.name}.", delete=False) as file:
                name = file.name
                for value in (_FORMAT, self._key, merged(parts)):
                    pickle.dump(value, file, protocol=5)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
            self.note = ""
        except OSError as error:
            self.note = f"the partial result could not be saved in {self.path} ({error.strerror or error})"
            if name is not None:
                with contextlib.suppress(OSError):
                    Path(name).unlink()

    def finish(self) -> None:
        """Remove the file: the reduction is complete."""
        self.path.unlink(missing_ok=True)


def _state(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_mtime_ns, status.st_size


class _Unpickler(pickle.Unpickler):
    """Makes arrays and objects of this package, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith(_OURS) or (module, name) in _ALLOWED or module == "numpy.dtypes":
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")
