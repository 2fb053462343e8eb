"""What a result file holds.

::

    /                     NXroot    @default = entry
    └── entry             NXentry   @default = the array to show first
        ├── title, start_time, end_time, program_name
        ├── process       NXprocess program, version, date, sequence_index
        │   ├── record    NXnote    everything that is known, as JSON: enough to run it again
        │   ├── 1_<step>  NXnote    its parameters as JSON, and one by one in a group ``parameters``
        │   └── sources   NXcollection  pids, files
        └── <array>       NXdata    the array, ``<array>_errors``, its axes, ``pixel_mask`` where pixels have no value

Integers are kept as they are, exactly; where a pixel has no value they are 0 and ``pixel_mask`` is 1. Floating-point
numbers are NaN there, which silx and h5web leave blank.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

if TYPE_CHECKING:
    from panosc_analysis.provenance import Record
    from panosc_analysis.reduction import ReductionResult, ResultArray, ResultAxis

__all__ = ["ENTRY", "RECORD", "file_image"]

ENTRY = "entry"
RECORD = f"/{ENTRY}/process/record/data"
"""Where the record stands, as JSON."""

_COMPRESSED_FROM = 100_000  # bytes
_CHUNK = 1_000_000  # bytes
_BLOCK = 4_000_000  # bytes by which the file in memory grows


def file_image(result: ReductionResult) -> bytes:
    """Make the HDF5 file of a result in memory and return its bytes; no file is touched."""
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_fapl_core(_BLOCK, backing_store=False)
    file = h5py.h5f.create(b"in-memory", fapl=access)
    try:
        _write_result(h5py.Group(h5py.h5g.open(file, b"/")), result)
        h5py.h5f.flush(file)
        image: bytes = file.get_file_image()
    finally:
        file.close()
    return image


def _write_result(file: Any, result: ReductionResult) -> None:
    """Write a result into the root group of an empty file."""
    file.attrs["NX_class"] = "NXroot"
    file.attrs["default"] = ENTRY
    file.attrs["creator"] = f"{result.record.program} {result.record.version}".strip()
    entry = _group(file, ENTRY, "NXentry")
    entry.attrs["default"] = result.default
    created = result.record.created.isoformat()
    entry["title"] = _title(result.record)
    entry["start_time"] = created
    entry["end_time"] = created
    entry["program_name"] = result.record.program
    entry["program_name"].attrs["version"] = result.record.version
    _write_process(entry, result.record, result.notes)
    for array in result.values():
        _write_array(entry, array)


def _title(record: Record) -> str:
    names = [source.files[0].name if source.files else str(source.pid) for source in record.sources]
    return f"{' and '.join(step.name for step in record.steps)} of {', '.join(names)}"


def _write_process(entry: Any, record: Record, notes: tuple[str, ...]) -> None:
    process = _group(entry, "process", "NXprocess")
    process["program"] = record.program
    process["version"] = record.version
    process["date"] = record.created.isoformat()
    process["sequence_index"] = 1
    note = _group(process, "record", "NXnote")
    note["type"] = "application/json"
    note["description"] = "inputs, steps with parameters and software: enough to run it again"
    note["data"] = record.to_json()
    for number, step in enumerate(record.steps, start=1):
        note = _group(process, f"{number}_{step.name}", "NXnote")
        note["type"] = "application/json"
        note["description"] = f"parameters of the step {step.name}"
        note["sequence_index"] = number
        note["data"] = json.dumps(dict(step.parameters), ensure_ascii=False)
        parameters = _group(note, "parameters", "NXcollection")
        for name, value in step.parameters.items():
            parameters[name] = "none" if value is None else value
    sources = _group(process, "sources", "NXcollection")
    text = h5py.string_dtype()
    sources["pids"] = np.array([source.pid or "" for source in record.sources], dtype=text)
    sources["files"] = np.array([str(file) for source in record.sources for file in source.files], dtype=text)
    sources["datasets"] = np.array([source.dataset for source in record.sources], dtype=text)
    if notes:
        process["notes"] = np.array(notes, dtype=text)


def _write_array(entry: Any, array: ResultArray) -> None:
    group = _group(entry, array.name, "NXdata")
    group.attrs["signal"] = array.name
    group.attrs["axes"] = np.array([axis.name for axis in array.axes], dtype=h5py.string_dtype())
    group["title"] = array.label
    signal = _dataset(group, array.name, array.values)
    signal.attrs["long_name"] = _named(array.label, array.units)
    signal.attrs["interpretation"] = ("scalar", "spectrum", "image")[min(array.values.ndim, 2)]
    if array.units:
        signal.attrs["units"] = array.units
    if array.errors is not None:
        errors = _dataset(group, f"{array.name}_errors", array.errors)
        if array.units:
            errors.attrs["units"] = array.units
    for position, axis in enumerate(array.axes):
        _write_axis(group, axis, position)
    if array.masked is not None:
        _dataset(group, "pixel_mask", array.masked.astype(np.uint8)).attrs["long_name"] = "1 where there is no value"
    scales = ["linear"] * array.values.ndim
    # silx has read both spellings of the second key.
    style = {"signal_scale_type": array.scale, "axes_scale_types": scales, "axes_scale_type": scales}
    group.attrs["SILX_style"] = json.dumps(style)


def _write_axis(group: Any, axis: ResultAxis, position: int) -> None:
    dataset = group.create_dataset(axis.name, data=axis.values)
    dataset.attrs["long_name"] = _named(axis.label, axis.units)
    if axis.units:
        dataset.attrs["units"] = axis.units
    group.attrs[f"{axis.name}_indices"] = position


def _named(label: str, units: str | None) -> str:
    return f"{label} ({units})" if units and f"({units})" not in label else label


def _dataset(group: Any, name: str, values: np.ndarray[Any, Any]) -> Any:
    """Write an array; larger ones with the compression that every HDF5 reader knows."""
    if values.nbytes < _COMPRESSED_FROM:
        return group.create_dataset(name, data=values)
    row = values.nbytes // values.shape[0]
    chunks = (max(1, min(values.shape[0], _CHUNK // max(1, row))), *values.shape[1:])
    return group.create_dataset(name, data=values, chunks=chunks, compression="gzip", compression_opts=1, shuffle=True)


def _group(parent: Any, name: str, nx_class: str) -> Any:
    group = parent.create_group(name)
    group.attrs["NX_class"] = nx_class
    return group
