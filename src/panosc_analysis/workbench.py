"""The door for notebooks: search, open, show, reduce, save. It joins the rooms and holds no rule of its own.

Importing it loads none of the heavy libraries; each function loads what it uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from panosc_analysis.errors import FileNotHere
from panosc_analysis.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from panosc_analysis.model import Dataset
    from panosc_analysis.nexus import ArrayHandle, Plot
    from panosc_analysis.reduction import Cluster, ReductionResult, ResultArray
    from panosc_analysis.reduction.clusters import Kind
    from panosc_analysis.search import Hits

__all__ = ["OpenDataset", "Result", "browse", "cluster", "form", "open", "search", "show"]


def search(text: str | None = None, *, filter: Mapping[str, Any] | None = None, **query: Any) -> Hits:
    """Find datasets at all configured providers by what they are.

    Asks every provider at once and opens no file. A provider that does not answer is named in the result's outcomes.
    The best stand first (see `panosc_analysis.search.ranking`); ``hits.more()`` asks on.

    Parameters
    ----------
    text
        Words in titles, sample and instrument names.
    filter
        The search API's own filter, instead of words, for those who know it.
    **query
        ``technique="SAXS"``, ``photon_energy=(8, 12)`` in keV, ``"12 keV"`` or with `panosc_analysis.units`
        ``(8, 12) * keV``, ``temperature=(4, 80)`` in K, ``parameters={"sample_pressure": "1-2 bar"}``,
        ``instrument=``, ``facility=``, ``proposal=``, ``sample=``, ``public=True``, ``since=``, ``until=``, ``limit=``;
        see `panosc_analysis.search.query`.

    Returns
    -------
    :
        The datasets found, in a table; ``hits[0]`` is a record that `open` takes.

    Raises
    ------
    FilterError
        A value that cannot be understood.
    """
    from panosc_analysis.search import search as ask

    words = query if text is None else {"text": text, **query}
    return ask(load_settings(), filter, **words)


def open(what: Dataset | str | Path, settings: Settings | None = None) -> OpenDataset:
    """Open a dataset: a record from `search`, a PID, or the path of a file.

    Finds where the files are mounted; reads no data yet.

    Parameters
    ----------
    what
        The record, the PID, or the path.
    settings
        Whom to ask and where data lie; those of `load_settings` without.

    Raises
    ------
    DatasetNotFound
        No provider knows the PID.
    LocateError
        The dataset is known, and none of its files can be read here; the message says why.
    """
    settings = settings or load_settings()
    if isinstance(what, str | Path):
        path = Path(what).expanduser()
        if isinstance(what, Path) or path.exists():
            return _open_file(path)
        return _open_record(_record(what, settings), settings)
    return _open_record(_with_files(what, settings), settings)


def show(x: Any, **options: Any) -> Any:
    """Show a file, a dataset, an array or a result; see `panosc_analysis.widgets.show`."""
    from panosc_analysis.widgets import show as show_widget

    if isinstance(x, OpenDataset):
        return x.show(**options)
    return show_widget(x.reduction if isinstance(x, Result) else x, **options)


def browse(x: Any, **options: Any) -> Any:
    """Walk through the file of a dataset, or any file; see `panosc_analysis.widgets.browse`."""
    from panosc_analysis.widgets import browse as browse_widget

    return browse_widget(x.file if isinstance(x, OpenDataset) else x, **options)


def form(step: str, x: Any, *, path: str | None = None, **values: Any) -> Any:
    """Fill in the parameters of a step in a form that runs it and gives the code that does the same.

    Parameters
    ----------
    step
        Name of the step; ``panosc-analysis reduce --steps`` lists them.
    x
        A dataset that is open, or what `open` takes.
    path
        Array inside the file; what the step applies to by itself otherwise.
    **values
        What is filled in at first.

    Returns
    -------
    :
        A `ReductionForm`: ``.result`` is its latest result, ``.code`` the code.

    Raises
    ------
    ReductionError
        No such step, or a value that it cannot have.
    """
    return (x if isinstance(x, OpenDataset) else open(x)).form(step, path=path, **values)


def cluster(
    kind: Kind | None = None,
    *,
    workers: int | None = None,
    threads: int | None = None,
    memory: str | None = None,
    **options: Any,
) -> Cluster:
    """Start workers on the largest thing there is here; reductions use them until the cluster is closed.

    The facility's Dask Gateway where the hub says that there is one, SLURM where jobs can be submitted, else processes
    on this machine. A notebook shows it with buttons that scale, adapt and close it. Without a cluster, reductions run
    in threads of this process, which needs no start.

    Parameters
    ----------
    kind, workers, threads, memory, **options
        See `panosc_analysis.reduction.start_cluster`.

    Raises
    ------
    ReductionError
        There is no such thing here, it refuses, or no worker came; the message says which and what to try.
    """
    from panosc_analysis.reduction import Cluster, start_cluster

    if Cluster.face is None:
        Cluster.face = _cluster_widget
    return start_cluster(kind, workers=workers, threads=threads, memory=memory, **options)


def _cluster_widget(shown: Cluster) -> Any:
    from panosc_analysis.widgets import ClusterWidget

    return ClusterWidget(shown)


class OpenDataset:
    """A dataset whose files can be read here. Holds no open file.

    Parameters
    ----------
    files
        Its files, the one to start from first.
    record
        What the catalogue says about it; ``None`` for a file opened by its path.
    """

    def __init__(self, files: tuple[Path, ...], record: Dataset | None = None) -> None:
        self.files = files
        self.record = record

    @property
    def file(self) -> Path:
        """The file to start from: the master file, where there is one."""
        return self.files[0]

    @cached_property
    def plot(self) -> Plot:
        """What the file wants to be shown first. Reads metadata only."""
        from panosc_analysis.nexus import default_plot

        return default_plot(self.file)

    @property
    def data(self) -> ArrayHandle:
        """The signal of the default plot, to be sliced before it is read."""
        return self.plot.signal

    def __getitem__(self, path: str) -> ArrayHandle:
        """One array of the file, by its path inside it. Reads nothing yet."""
        from panosc_analysis.nexus import ArrayHandle

        return ArrayHandle(self.file, path)

    def show(self, path: str | None = None, **options: Any) -> Any:
        """Show the default plot, or the group or array at `path`."""
        from panosc_analysis.nexus import default_plot
        from panosc_analysis.widgets import show as show_widget

        return show_widget(self.plot if path is None else default_plot(self.file, path), **options)

    def reduce(
        self,
        *steps: Any,
        path: str | None = None,
        progress: bool = True,
        follow: bool = False,
        patience: float = 30.0,
        **parameters: Any,
    ) -> Result:
        """Reduce the stack with all cores of this session, or with the workers of `cluster` if there are any.

        Parameters
        ----------
        *steps
            Steps or their names; without any, those that apply to these data: statistics of the stack and, where the
            detector's geometry is known, its radial profile.
        path
            Array inside the file; the signal of the default plot otherwise.
        progress
            Show a progress bar.
        follow, patience
            Go on while the file is written, until its writer has finished, or nothing has come for so many seconds.
            To stop it before, cancel it or interrupt the kernel: what was done until then is the result.
        **parameters
            Parameters of the steps, such as ``npt=2000`` or ``poni="geometry.poni"``.

        Raises
        ------
        ReductionError
            A step that cannot be run on these data.
        """
        from panosc_analysis.widgets import reduction_progress

        run = self._following(steps, path, parameters, patience) if follow else self._reducing(steps, path, parameters)
        with reduction_progress(enabled=progress) as (report, cancel):
            return Result(run(progress=report, cancel=cancel))

    def follow(self, *steps: Any, path: str | None = None, patience: float = 30.0, **parameters: Any) -> Any:
        """Reduce the stack beside the notebook while it is written, and show the result as it comes.

        Returns at once; the widget shows how far it is, and has a button that stops it. `path`, `patience`, steps and
        parameters are those of `reduce`.

        Returns
        -------
        :
            A `RunningReduction`: ``.latest`` is the result so far, ``.wait()`` gives the last, ``.cancel()`` ends it.
        """
        from panosc_analysis.widgets import RunningReduction

        run = self._following(steps, path, parameters, patience)
        return RunningReduction(run, Result, what=f"Following {self.file.name}")

    def form(self, step: str, *, path: str | None = None, **filled: Any) -> Any:
        """Fill in the parameters of a step in a form; see `form`."""
        from panosc_analysis.widgets import ReductionForm, RunningReduction

        def begin(values: Mapping[str, Any], *, follow: bool) -> Any:
            if follow:
                return self.follow(step, path=path, **values)
            return RunningReduction(_without_update(partial(self._reducing, (step,), path, values)), Result)

        return ReductionForm(step, begin, partial(self._code, step, path), filled)

    def _code(self, step: str, path: str | None, values: Mapping[str, Any], follow: bool) -> str:
        """Write the lines that reduce; with the PID where there is one, since paths are of one machine."""
        what = self.record.pid if self.record else str(self.file)
        arguments = [repr(step), *([f"path={path!r}"] if path else []), *(f"{k}={v!r}" for k, v in values.items())]
        call = f"data.follow({', '.join(arguments)}).wait()" if follow else f"data.reduce({', '.join(arguments)})"
        return f"import panosc_analysis as pan\n\ndata = pan.open({what!r})\nresult = {call}\nresult.show()\n"

    def _reducing(self, steps: Any, path: str | None, parameters: Mapping[str, Any]) -> Any:
        from panosc_analysis.reduction import reduce

        handle = self._handle(steps, path)
        return partial(reduce, handle, steps or None, parameters=parameters, sources=(self._source(),))

    def _following(self, steps: Any, path: str | None, parameters: Mapping[str, Any], patience: float) -> Any:
        from panosc_analysis.reduction import follow

        find = partial(self._handle, steps, path)  # what the file shows is known when it holds something
        return partial(follow, find, steps or None, parameters=parameters, sources=(self._source(),), patience=patience)

    def _handle(self, steps: Any, path: str | None) -> ArrayHandle:
        from panosc_analysis.reduction import counts_events

        if path is None and counts_events(steps):
            path = "/"  # the only group of events, which no plot shows
        return self.data if path is None else self[path]

    def _source(self) -> Any:
        from panosc_analysis.provenance import Source

        return Source(pid=self.record.pid if self.record else None, files=self.files)

    def __repr__(self) -> str:
        title = f"{self.record.title} ({self.record.pid})" if self.record else "file"
        return f"<OpenDataset {title}: {', '.join(str(f) for f in self.files)}>"


class Result(Mapping[str, "ResultArray"]):
    """What a reduction gave: named arrays with axes and units, and where they come from.

    Parameters
    ----------
    reduction
        The arrays and their record.
    """

    def __init__(self, reduction: ReductionResult) -> None:
        self.reduction = reduction

    @overload
    def __getitem__(self, key: str) -> ResultArray: ...
    @overload
    def __getitem__(self, key: tuple[str, ...]) -> tuple[ResultArray, ...]: ...
    def __getitem__(self, key: str | tuple[str, ...]) -> ResultArray | tuple[ResultArray, ...]:
        """One array by name, or several: ``mean, profile = result["mean", "profile"]``."""
        return self.reduction[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.reduction)

    def __len__(self) -> int:
        return len(self.reduction)

    def show(self, name: str | None = None, **options: Any) -> Any:
        """Show the array `name`, or the one that says most."""
        return show(self.reduction if name is None else self[name], **options)

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write everything to a NeXus file that says where it came from.

        Raises
        ------
        SaveError
            The file exists and `overwrite` is not set, or it cannot be written; an older file is intact.
        """
        from panosc_analysis.output import save

        return save(self.reduction, Path(path).expanduser(), overwrite=overwrite)

    def to_xarray(self) -> Any:
        """Everything as an `xarray.DataTree`, one data set for each array."""
        return self.reduction.to_xarray()

    def to_scipp(self) -> Any:
        """Everything as a `scipp.DataGroup`, uncertainties as variances."""
        return self.reduction.to_scipp()

    def __repr__(self) -> str:
        arrays = ", ".join(f"{name} {array.values.shape}" for name, array in self.items())
        notes = "".join(f"\n  note: {note}" for note in self.reduction.notes)
        return f"<Result {arrays}>{notes}"


def _without_update(make: Any) -> Any:
    """Run what gives no results in between; it is made in the thread that runs it, since that reads the file."""

    def run(*, update: object, progress: Any, cancel: Any) -> Any:
        return make()(progress=progress, cancel=cancel)

    return run


def _open_file(path: Path) -> OpenDataset:
    if not path.exists():
        raise FileNotHere(f"There is no file {path}", hint="Check the name, or search for the dataset", path=str(path))
    return OpenDataset((path.resolve(),))


def _open_record(record: Dataset, settings: Settings) -> OpenDataset:
    from panosc_analysis.locate import locate

    located = locate(record, settings)
    located.require()
    return OpenDataset(located.paths, record)


def _record(pid: str, settings: Settings) -> Dataset:
    from panosc_analysis.search import FederatedSearch

    return FederatedSearch(settings).get(pid)


def _with_files(record: Dataset, settings: Settings) -> Dataset:
    return record if record.files else _record(record.pid, settings)
