"""Where the detector is: from a PONI file, or from what the NeXus file says of its detector and beam.

The geometry is pyFAI's (J. Kieffer et al., J. Appl. Cryst. 58 (2025) 138): distance, point of normal incidence, three
rotations. A file that tells only distance and beam centre is taken to have its detector perpendicular to the beam.
"""

from __future__ import annotations

import logging
import posixpath
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.errors import ReductionError
from panosc_analysis.model import convert
from panosc_analysis.nexus import open_file, reading
from panosc_analysis.nexus.attributes import address, child, children, is_dataset, is_group, nx_class, read_text, text
from panosc_analysis.nexus.masks import detectors_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from panosc_analysis.reduction.stack import Stack

__all__ = ["Geometry", "find_geometry"]

_HC = 12.398419843320026  # keV Å, exact by the SI of 2019
_LARGEST_PONI = 1_000_000


@dataclass(frozen=True, slots=True)
class Geometry:
    """A detector geometry as the text of a PONI file.

    Parameters
    ----------
    poni
        The text.
    origin
        Where it was found, for people.
    """

    poni: str
    origin: str

    def integrator(self) -> Any:
        """Make pyFAI's integrator of it. Loads pyFAI, which takes about a second.

        Raises
        ------
        ReductionError
            pyFAI does not understand it, or is not installed.
        """
        # silx warns that OpenCL is missing, which nothing here uses.
        logging.getLogger("silx.opencl.common").setLevel(logging.ERROR)
        try:
            from pyFAI.integrator.azimuthal import AzimuthalIntegrator
            from pyFAI.io.ponifile import PoniFile
        except ImportError as error:
            raise ReductionError(
                "The radial profile needs pyFAI, which is not installed",
                hint="Install panosc-analysis with the extra 'reduction'",
            ) from error
        try:
            integrator = AzimuthalIntegrator()
            integrator.load(PoniFile(data=_entries(self.poni)))
        except (ValueError, TypeError, KeyError, RuntimeError, OSError, AttributeError) as error:
            raise ReductionError(
                f"pyFAI does not understand the geometry from {self.origin} ({error})",
                hint="Give the geometry as a PONI file that pyFAI wrote",
            ) from error
        return integrator


def find_geometry(stack: Stack, poni: str | None = None) -> Geometry:
    """Find the geometry of the detector that took a stack.

    In this order: `poni`, the path or the text of a PONI file; a note named ``poni`` in the NXdetector; ``distance``,
    ``beam_center_x``, ``beam_center_y`` and the pixel sizes in the NXdetector with a wavelength or energy of the
    beam or monochromator.

    Raises
    ------
    ReductionError
        None of them is there, or the given one cannot be read.
    """
    if poni is not None:
        return _given(str(poni))
    handle = stack.handle
    with open_file(handle.file) as file, reading(handle.file, handle.path):
        entry_path = _entry(file, handle.path)
        entry = file[entry_path]
        for path, detector in _detectors(entry, entry_path, stack, file):
            found = _note(detector, path) or _fields(detector, path, entry, stack)
            if found is not None:
                return found
    raise ReductionError(
        f"{handle.file} does not tell where its detector is: no PONI note, no distance and beam centre in a detector",
        hint='Give the geometry: poni="file.poni", as pyFAI-calib2 writes it',
        path=str(handle.file),
    )


def _given(poni: str) -> Geometry:
    if "\n" in poni:
        return _checked(Geometry(poni, "the PONI text given"))
    path = Path(poni).expanduser()
    try:
        with path.open(encoding="utf-8") as file:
            content = file.read(_LARGEST_PONI)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise ReductionError(
            f"The PONI file {path} cannot be read ({reason})", hint="Check the path", path=str(path)
        ) from error
    return _checked(Geometry(content, str(path)))


def _checked(geometry: Geometry) -> Geometry:
    if "distance" not in (entries := _entries(geometry.poni)) or "poni1" not in entries:
        raise ReductionError(
            f"{geometry.origin} is not a PONI file: it names no distance or point of normal incidence",
            hint="Give a file that pyFAI-calib2 wrote",
        )
    return geometry


def _entries(poni: str) -> dict[str, str]:
    pairs = (line.split(":", 1) for line in poni.splitlines() if ":" in line and not line.startswith("#"))
    return {name.strip().lower(): value.strip() for name, value in pairs}


def _entry(file: Any, path: str) -> str:
    """Find the entry that a path lies in; the root if there is none."""
    folder = posixpath.normpath(posixpath.join("/", path))
    while folder != "/":
        folder = posixpath.dirname(folder)
        if nx_class(file[folder]) in ("NXentry", "NXsubentry"):
            return folder
    return "/"


def _detectors(entry: Any, entry_path: str, stack: Stack, file: Any) -> Iterator[tuple[str, Any]]:
    """Give the detector the array lies in, else the one the array is linked from, else the only one."""
    found = detectors_of(entry, entry_path)
    own = address(file[stack.handle.path])
    holders = {
        path: node
        for path, node in found.items()
        if any(is_dataset(below) and address(below) == own for _, below in children(node))
    }
    yield from (holders or (found if len(found) == 1 else {})).items()


def _note(detector: Any, path: str) -> Geometry | None:
    node = child(detector, "poni")
    content = read_text(node, "data") if is_group(node) else read_text(detector, "poni")
    return Geometry(content, f"{path}/poni") if "distance" in _entries(content) else None


def _fields(detector: Any, path: str, entry: Any, stack: Stack) -> Geometry | None:
    distance = _length(detector, "distance", "m")
    pixel1, pixel2 = _length(detector, "y_pixel_size", "m"), _length(detector, "x_pixel_size", "m")
    if distance is None or not pixel1 or not pixel2:
        return None
    poni1, poni2 = _centre(detector, "beam_center_y", pixel1), _centre(detector, "beam_center_x", pixel2)
    if poni1 is None or poni2 is None or len(stack.frame_shape) != 2:
        return None
    wavelength = _wavelength(entry)
    rows, columns = stack.frame_shape
    lines = [
        "poni_version: 2.1",
        "Detector: Detector",
        f'Detector_config: {{"pixel1": {pixel1!r}, "pixel2": {pixel2!r}, "max_shape": [{rows}, {columns}], '
        '"orientation": 3}',
        f"Distance: {distance!r}",
        f"Poni1: {poni1!r}",
        f"Poni2: {poni2!r}",
        "Rot1: 0.0",
        "Rot2: 0.0",
        "Rot3: 0.0",
        *([f"Wavelength: {wavelength!r}"] if wavelength else []),
    ]
    return Geometry("\n".join(lines) + "\n", f"distance and beam centre in {path}, perpendicular to the beam")


def _centre(detector: Any, name: str, pixel: float) -> float | None:
    node = child(detector, name)
    value = _scalar(node)
    if value is None:
        return None
    units = text(node, "units")
    if units.lower() in ("", "pixel", "pixels", "px"):
        return value * pixel
    return convert(value, units, "m")


def _length(group: Any, name: str, to: str) -> float | None:
    node = child(group, name)
    value = _scalar(node)
    return None if value is None else convert(value, text(node, "units") or to, to)


def _scalar(node: Any) -> float | None:
    """Read a number, or an array that holds one number again and again."""
    if not is_dataset(node) or node.shape is None or node.dtype.kind not in "iuf" or node.size > 1_000_000:
        return None
    values = np.unique(np.asarray(node[()], dtype=np.float64))
    return float(values[0]) if values.size == 1 and np.isfinite(values[0]) else None


def _wavelength(entry: Any) -> float | None:
    """Wavelength of the beam in metres."""
    groups = [below for _, node in children(entry) if is_group(node) for below in (node, *_groups(node))]
    for group in groups:
        if nx_class(group) not in ("NXbeam", "NXmonochromator"):
            continue
        if wavelength := _first(group, ("incident_wavelength", "wavelength"), "angstrom", "m"):
            return wavelength
        if energy := _first(group, ("incident_energy", "energy"), "keV", "keV"):
            return _HC / energy * 1e-10
    return None


def _first(group: Any, names: tuple[str, ...], default: str, to: str) -> float | None:
    for name in names:
        node = child(group, name)
        if (value := _scalar(node)) and (found := convert(value, text(node, "units") or default, to)):
            return found
    return None


def _groups(node: Any) -> Iterator[Any]:
    return (below for _, below in children(node) if is_group(below))
