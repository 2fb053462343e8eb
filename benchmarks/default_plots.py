"""Which default plot four readers find in each file of a folder: ours, silx's, nexusformat's and h5web's rules.

    .venv/bin/python -m uv run --no-project --python .venv/bin/python --with nexusformat --with-editable '.[nexus]' \
        python benchmarks/default_plots.py ../shared/data/nexus --markdown docs/default-plots.md

Writes one row for each file and a count for each reader. nexusformat is no dependency of this project; without it its
column says so. h5web runs in a browser: its rules (version 17, `visualizer/utils.ts`) are followed here in Python.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin  # noqa: F401
import silx.io
from silx.io.nxdata import get_default

from panosc_analysis.errors import PanoscError
from panosc_analysis.nexus import default_plot

NOTE = """\
{n_files} real files of public sample collections, written by `benchmarks/default_plots.py` (its first lines say how).
"Nothing" also counts a reader's own refusal, "raises" is an error of another kind. h5web's rules were followed in
Python. SPEC and EDF files are not HDF5; nexusformat and h5web do not read them.
"""

SUFFIXES = (
    ".h5", ".hdf5", ".hdf", ".nxs", ".nx5", ".nexus", ".ngv", ".cxi", ".edf", ".dat", ".spec", ".cbf", ".tif", ".tiff",
    ".npy",
)  # fmt: skip


class Refused(Exception):
    """A reader says that it cannot show this."""


def ours(path: Path) -> str:
    plot = default_plot(path)
    return f"{plot.kind} · {plot.signal.path} · {' × '.join(map(str, plot.signal.shape)) or 'one value'}"


def silx_reader(path: Path) -> str:
    with silx.io.open(str(path)) as file:
        found = get_default(file)
        if found is None:
            raise Refused("nothing")
        if not found.is_valid:
            raise Refused(f"invalid: {found.issues[0]}")
        return str(found.signal.name)


def nexusformat_reader(path: Path) -> str:
    from nexusformat.nexus import nxload

    found = nxload(str(path)).plottable_data
    if found is None:
        raise Refused("nothing")
    if found.nxsignal is None or found.nxaxes is None:
        raise Refused("no signal or axes")
    return str(found.nxsignal.nxpath)


def h5web_rules(path: Path) -> str:
    if not h5py.is_hdf5(path):
        raise Refused("HDF5 only")
    with h5py.File(path, "r") as file:
        node: Any = file
        for _ in range(20):
            if isinstance(node, h5py.Dataset):
                return str(node.name)
            nx_class = scalar_text(node, "NX_class")
            if nx_class == "NXnote":
                return str(node.name)
            marked = [n for n, c in reachable(node) if "signal" in c.attrs]
            if nx_class == "NXdata" and ("signal" in node.attrs or marked):
                return h5web_signal(node, marked)
            target = scalar_text(node, "default") or implicit_child(node)
            if target is None:
                raise Refused("nothing")
            node = node[target]
    raise Refused("a circle of @default")


def reachable(group: h5py.Group) -> list[tuple[str, Any]]:
    return [(name, node) for name in group if (node := group.get(name)) is not None]


def scalar_text(node: Any, name: str) -> str | None:
    """The attribute where it is a single text; h5web does not look into arrays."""
    value = node.attrs.get(name)
    return value.decode() if isinstance(value, bytes) else str(value) if isinstance(value, str) else None


def implicit_child(group: h5py.Group) -> str | None:
    classes = {name: scalar_text(c, "NX_class") for name, c in reachable(group) if isinstance(c, h5py.Group)}
    for wanted in ("NXdata", "NXentry", "NXprocess"):
        for name, nx_class in classes.items():
            if nx_class == wanted:
                return name
    return None


def h5web_signal(group: h5py.Group, marked: list[str]) -> str:
    name = scalar_text(group, "signal") if "signal" in group.attrs else marked[0]
    if name is None:
        raise Refused("@signal is not a single text")
    signal = group.get(name)
    if not isinstance(signal, h5py.Dataset) or not signal.shape or signal.dtype.kind not in "biufc":
        raise Refused(f"signal {name!r} is not an array of numbers")
    if "axes" in group.attrs:
        axes = group.attrs["axes"]
        given = [axes] if isinstance(axes, (str, bytes)) else axes
        names = [a.decode() if isinstance(a, bytes) else str(a) for a in given]
    else:
        text = scalar_text(signal, "axes") or ""
        names = text.split(":") if ":" in text else text.split(",") if text else []
    for dimension, axis in enumerate(names):
        if axis == ".":
            continue
        node = group.get(axis)
        if not isinstance(node, h5py.Dataset) or node.dtype.kind not in "biuf":
            raise Refused(f"axis {axis!r} is not an array of numbers")
        length = signal.shape[dimension] if dimension < signal.ndim else 0
        if node.ndim != 1 or node.shape[0] not in (length, length + 1):
            raise Refused(f"axis {axis!r} of shape {node.shape} does not fit")
    return str(signal.name)


READERS: dict[str, Callable[[Path], str]] = {
    "this package": ours,
    "silx": silx_reader,
    "nexusformat": nexusformat_reader,
    "h5web's rules": h5web_rules,
}


def outcome(reader: Callable[[Path], str], path: Path) -> tuple[str, str]:
    """("found" | "nothing" | "raises", what)."""
    try:
        return "found", reader(path)
    except (Refused, PanoscError) as error:
        return "nothing", str(error)
    except ModuleNotFoundError as error:
        return "nothing", f"not installed: {error.name}"
    except Exception as error:
        return "raises", f"{type(error).__name__}: {error}"


def rule_and_remarks(path: Path) -> tuple[str, str]:
    try:
        plot = default_plot(path)
    except PanoscError as error:
        return "", error.message
    return plot.rule, "; ".join(plot.remarks)


def cell(text: str, most: int = 110) -> str:
    flat = " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
    return flat if len(flat) <= most else f"{flat[: most - 1]}…"


def table(folder: Path) -> tuple[list[str], dict[str, dict[str, int]]]:
    counts = {name: {"found": 0, "nothing": 0, "raises": 0} for name in READERS}
    rows = [
        f"| file | {' | '.join(READERS)} | rule | remarks |",
        f"|{'---|' * (len(READERS) + 3)}",
    ]
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix.lower() in SUFFIXES):
        cells = []
        for name, reader in READERS.items():
            how, what = outcome(reader, path)
            counts[name][how] += 1
            cells.append(cell(what) if how == "found" else f"{how}: {cell(what, 60)}")
        rule, remarks = rule_and_remarks(path)
        rows.append(f"| {path.relative_to(folder)} | {' | '.join(cells)} | {rule} | {cell(remarks, 200)} |")
    return rows, counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--markdown", type=Path, help="write the table into this file")
    arguments = parser.parse_args()
    rows, counts = table(arguments.folder)
    n_files = len(rows) - 2
    summary = ["| reader | finds | nothing | raises |", "|---|---|---|---|"]
    summary += [f"| {name} | {c['found']} | {c['nothing']} | {c['raises']} |" for name, c in counts.items()]
    print("\n".join(summary))
    if arguments.markdown:
        head = ["# Which default plot is found", "", NOTE.format(n_files=n_files), *summary, "", "## File by file", ""]
        arguments.markdown.write_text("\n".join([*head, *rows, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
