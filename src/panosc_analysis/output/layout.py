"""How a result lies in its file: NXentry, an NXdata for each array, an NXprocess for each step, and the record.

::

    /                            @default = entry
    /entry              NXentry  @default = the array that says most
    /entry/<array>      NXdata   @signal, @axes, @interpretation; <array>, its axes, <array>_errors, <array>_mask
    /entry/<n>_<step>   NXprocess  program, version, date, sequence_index, parameters (NXnote, JSON)
    /entry/provenance   NXcollection  pids, files, software, record (NXnote, JSON: everything, to run it again)
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

if TYPE_CHECKING:
    from panosc_analysis.nexus import H5File
    from panosc_analysis.provenance import Record
    from panosc_analysis.reduction import ReductionResult, ResultArray

__all__ = ["RECORD", "write_result"]

RECORD = "/entry/provenance/record/data"

# Images compress well and are read whole; below this many bytes compression only costs.
_COMPRESS_ABOVE = 65_536


def write_result(file: H5File, result: ReductionResult) -> None:
    """Fill an empty file."""
    record = result.record
    file.attrs["NX_class"] = "NXroot"
    file.attrs["default"] = "entry"
    file.attrs["creator"] = record.program
    file.attrs["creator_version"] = record.version
    file.attrs["file_time"] = record.created.isoformat()
    entry = _group(file, "entry", "NXentry")
    entry.attrs["default"] = result.default
    entry["title"] = _title(record)
    entry["end_time"] = record.created.isoformat()
    entry["program_name"] = record.program
    entry["program_name"].attrs["version"] = record.version
    for array in result.values():
        _write_array(_group(entry, array.name, "NXdata"), array)
    _write_steps(entry, record)
    _write_provenance(_group(entry, "provenance", "NXcollection"), record, result.notes)


def _group(parent: Any, name: str, nx_class: str) -> Any:
    group = parent.create_group(name, track_order=True)
    group.attrs["NX_class"] = nx_class
    return group


def _title(record: Record) -> str:
    steps = ", ".join(step.name for step in record.steps)
    inputs = ", ".join(source.pid or (source.files[0].name if source.files else "?") for source in record.sources)
    return f"{steps} of {inputs}" if inputs else steps


def _write_array(group: Any, array: ResultArray) -> None:
    """Write one NXdata that silx and h5web plot without being told how."""
    group.attrs["signal"] = array.name
    if array.axes:
        group.attrs["axes"] = np.array([axis.name for axis in array.axes], dtype=h5py.string_dtype())
    group["title"] = array.label
    interpretation = {1: "spectrum", 2: "image"}.get(array.values.ndim)
    signal = _dataset(group, array.name, array.values)
    _describe(signal, array.label, array.units)
    if interpretation:
        group.attrs["interpretation"] = signal.attrs["interpretation"] = interpretation
    linear = ["linear"] * array.values.ndim
    # silx reads axes_scale_types, h5web axes_scale_type.
    style = {"signal_scale_type": array.scale, "axes_scale_types": linear, "axes_scale_type": linear}
    group.attrs["SILX_style"] = json.dumps(style)
    for axis in array.axes:
        _describe(_dataset(group, axis.name, np.asarray(axis.values)), axis.label, axis.units)
    if array.errors is not None:
        _describe(_dataset(group, f"{array.name}_errors", array.errors), f"uncertainty of {array.label}", array.units)
    if array.masked is not None and array.masked.any():
        # Integers stay integers: what has no value is 0 and marked here; floating-point numbers are NaN as well.
        _describe(
            _dataset(group, f"{array.name}_mask", array.masked.astype(np.uint8)), "1 where there is no value", None
        )


def _dataset(group: Any, name: str, values: Any) -> Any:
    if values.nbytes <= _COMPRESS_ABOVE:
        return group.create_dataset(name, data=values)
    return group.create_dataset(name, data=values, chunks=True, compression="gzip", compression_opts=1, shuffle=True)


def _describe(dataset: Any, label: str, units: str | None) -> None:
    if units:
        dataset.attrs["units"] = units
        label = label if units in label else f"{label} ({units})"
    dataset.attrs["long_name"] = label


def _write_steps(entry: Any, record: Record) -> None:
    for number, step in enumerate(record.steps, 1):
        process = _group(entry, f"{number}_{step.name}", "NXprocess")
        process["program"] = record.program
        process["version"] = record.version
        process["date"] = record.created.isoformat()
        process["sequence_index"] = number
        _note(process, "parameters", json.dumps(dict(step.parameters), indent=2, sort_keys=True))


def _write_provenance(group: Any, record: Record, notes: tuple[str, ...]) -> None:
    lists = {
        "pids": [source.pid for source in record.sources if source.pid],
        "files": [str(file) for source in record.sources for file in source.files],
        "software": [f"{software.name} {software.version}" for software in record.software],
        "notes": list(notes),
    }
    for name, values in lists.items():
        if values:
            group.create_dataset(name, data=values, dtype=h5py.string_dtype())
    _note(group, "record", record.to_json())


def _note(parent: Any, name: str, data: str) -> None:
    note = _group(parent, name, "NXnote")
    note["type"] = "application/json"
    note["data"] = data
