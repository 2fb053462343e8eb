"""Every error a user of this package may see, in one tree.

::

    PanoscError
    ├── SettingsError             (ValueError)         a settings file or variable that cannot be used
    ├── FilterError               (ValueError)         a filter or query that cannot be written or read
    ├── SearchError
    │   ├── ProviderUnreachable   (ConnectionError)    no answer: down, refused, timed out
    │   ├── ProviderRefused       (PermissionError)    401 or 403
    │   ├── ProviderAnswerError   (ValueError)         an answer that is not what the search API promises
    │   └── DatasetNotFound       (LookupError)        no record with this PID
    ├── LocateError
    │   ├── FileNotHere           (FileNotFoundError)  listed, but not on this machine
    │   ├── NotYours              (PermissionError)    there, but not readable for this person
    │   └── OutsideRoots          (PermissionError)    a path or link that leaves the data directories
    ├── OpenError                 (OSError)
    │   ├── NotAnHDF5File                              no HDF5 signature
    │   ├── FileTruncated                              shorter than its header says
    │   ├── FileBeingWritten                           a writer has it open, or died with it open
    │   ├── FileCorrupt                                damaged structure or a chunk that does not decode
    │   ├── FilterPluginMissing                        compressed with a filter that is not installed
    │   └── SourceMissing                              a link or virtual dataset whose source is not there
    ├── NodeNotFound              (LookupError)        no such path inside the file
    ├── NothingToPlot             (LookupError)        no plottable data in the file
    ├── CatalogueError            (ValueError)         the index cannot be made or served
    ├── ReductionError            (ValueError)         a reduction that cannot be run on these data
    │   ├── ReductionCancelled                         it was stopped; `partial` is what was done
    │   └── NotEnoughMemory       (MemoryError)        a result that would not fit; said before it is made
    └── SaveError                 (OSError)            a result that could not be written; an older one is intact

A message says what happened and ends with what to try next. Besides its place in the tree, each class is also the
builtin that a user would catch.
"""

from __future__ import annotations

__all__ = [
    "CatalogueError",
    "DatasetNotFound",
    "FileBeingWritten",
    "FileCorrupt",
    "FileNotHere",
    "FileTruncated",
    "FilterError",
    "FilterPluginMissing",
    "LocateError",
    "NodeNotFound",
    "NotAnHDF5File",
    "NotEnoughMemory",
    "NotYours",
    "NothingToPlot",
    "OpenError",
    "OutsideRoots",
    "PanoscError",
    "ProviderAnswerError",
    "ProviderRefused",
    "ProviderUnreachable",
    "ReductionCancelled",
    "ReductionError",
    "SaveError",
    "SearchError",
    "SettingsError",
    "SourceMissing",
]


class PanoscError(Exception):
    """Anything this package refuses or fails to do, said so that a person can act on it.

    Parameters
    ----------
    message
        What happened, one sentence, without a full stop.
    hint
        What to try next, one sentence, without a full stop.
    **data
        What the error is about (``pid=``, ``path=``, …); kept in `data` and readable as attributes.
    """

    def __init__(self, message: str, *, hint: str, **data: object) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.data = data

    def __getattr__(self, name: str) -> object:
        data = self.__dict__.get("data", {})
        if name in data:
            return data[name]
        raise AttributeError(name)

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}."

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.hint, self.data)


def _rebuild(cls: type[PanoscError], message: str, hint: str, data: dict[str, object]) -> PanoscError:
    """Unpickle: a worker's error reaches the notebook as the class it was raised as."""
    return cls(message, hint=hint, **data)


class SettingsError(PanoscError, ValueError):
    """A settings file or environment variable that cannot be used."""


class FilterError(PanoscError, ValueError):
    """A filter or query that cannot be written or read."""


class SearchError(PanoscError):
    """A search that did not give an answer."""


class ProviderUnreachable(SearchError, ConnectionError):
    """A provider that gave no answer: down, refused or timed out."""


class ProviderRefused(SearchError, PermissionError):
    """A provider that answered 401 or 403."""


class ProviderAnswerError(SearchError, ValueError):
    """A provider whose answer is not what the search API promises."""


class DatasetNotFound(SearchError, LookupError):
    """No record with this PID at any provider that answered."""


class LocateError(PanoscError):
    """A dataset whose files cannot be reached from here."""


class FileNotHere(LocateError, FileNotFoundError):
    """A file that the catalogue lists and this machine does not have."""


class NotYours(LocateError, PermissionError):
    """A file that is here and not readable for this person."""


class OutsideRoots(LocateError, PermissionError):
    """A path or a link inside a file that leaves the data directories."""


class OpenError(PanoscError, OSError):
    """A file that cannot be opened or read."""


class NotAnHDF5File(OpenError):
    """A file without an HDF5 signature, or of a format no reader knows."""


class FileTruncated(OpenError):
    """A file that is shorter than its own header says."""


class FileBeingWritten(OpenError):
    """A file that a writer has open now, or had open when it died."""


class FileCorrupt(OpenError):
    """A file with a damaged structure, or a chunk that does not decode."""


class FilterPluginMissing(OpenError):
    """Data compressed with an HDF5 filter that is not installed here."""


class SourceMissing(OpenError):
    """A link or virtual dataset whose source file or dataset is not there."""


class NodeNotFound(PanoscError, LookupError):
    """A path that does not exist inside a file."""


class NothingToPlot(PanoscError, LookupError):
    """A file or group without plottable data."""


class CatalogueError(PanoscError, ValueError):
    """An index that cannot be made, read or served."""


class ReductionError(PanoscError, ValueError):
    """A reduction that cannot be run on these data, or did not end."""


class ReductionCancelled(ReductionError):
    """A reduction that somebody stopped; its attribute `partial` is the result until then, or ``None``."""


class NotEnoughMemory(ReductionError, MemoryError):
    """An array that does not fit into the memory of this session; nothing was allocated for it."""


class SaveError(PanoscError, OSError):
    """A result that could not be written; an older one at the same path is intact."""
