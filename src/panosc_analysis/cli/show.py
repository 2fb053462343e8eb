"""``panosc-analysis show``: what a file holds, as text, as a picture, or live in a browser."""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from panosc_analysis.cli.arguments import Commands, add_json, add_sources, print_json, settings_from, styled
from panosc_analysis.errors import PanoscError

if TYPE_CHECKING:
    import argparse

    from panosc_analysis.nexus import Axis, Plot, TreeNode

EXAMPLE = "example: panosc-analysis show scan.nxs --png picture.png"


def add_command(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("show", help="show what a file or dataset holds", epilog=EXAMPLE)
    parser.set_defaults(run=run)
    parser.add_argument("target", help="a file, or the PID of a dataset")
    parser.add_argument(
        "--path", default="/", help="group or array inside the file (default: what the file wants shown)"
    )
    parser.add_argument("--png", metavar="FILE", help="draw the plot into this file")
    parser.add_argument("--browser", action="store_true", help="look at it in a browser until Ctrl-C")
    parser.add_argument(
        "--port", metavar="N", type=int, default=0, help="port of the browser's page (default: a free one)"
    )
    parser.add_argument("--frame", metavar="N", type=int, help="frame of a stack, from 0 (default: the first)")
    parser.add_argument("--colormap", default="viridis", help="silx colormap (default: viridis)")
    parser.add_argument("--scale", choices=("linear", "log", "sqrt"), help="colour or intensity scale")
    parser.add_argument("--tree", action="store_true", help="list the file's groups and arrays as well")
    add_json(parser)
    add_sources(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the default plot's description; draw it, or serve it to a browser, where asked."""
    from panosc_analysis import workbench
    from panosc_analysis.nexus import default_plot, open_file, read_tree

    dataset = workbench.open(arguments.target, settings_from(arguments))
    if arguments.browser:
        return serve(dataset.file, arguments)
    record = dataset.record
    if arguments.tree:
        with open_file(dataset.file) as file:
            print("\n".join(tree_lines(read_tree(file, arguments.path, depth=8, most=200))))
    plot = default_plot(dataset.file, arguments.path)
    if arguments.png:
        from panosc_analysis.widgets import save_png

        options = {"frame": arguments.frame, "scale": arguments.scale, "colormap": arguments.colormap}
        save_png(plot, Path(arguments.png).expanduser(), **options)
    description = describe(plot) | ({"pid": record.pid, "dataset": record.title} if record else {})
    if arguments.png:
        description["picture"] = arguments.png
    if arguments.json:
        print_json(description)
        return 0
    for name, value in description.items():
        for i, line in enumerate(value if isinstance(value, list) else [value]):
            label = name if i == 0 else ""
            print(f"{styled(f'{label:<10}', '2')} {line}")
    return 0


def serve(file: Path, arguments: argparse.Namespace) -> int:
    """Serve the viewer of `file` to a browser on this machine until Ctrl-C."""
    from panosc_analysis.documents import open_document, serving
    from panosc_analysis.nexus import open_file

    with open_file(file):
        pass  # a file that cannot be opened is said here, not in the browser
    chosen = {"frame": arguments.frame, "scale": arguments.scale, "colormap": arguments.colormap}
    options = {name: value for name, value in chosen.items() if value is not None}
    node = None if arguments.path == "/" else arguments.path
    try:
        with serving(lambda: open_document(file, node, **options), arguments.port) as address:
            announce(address)
            Event().wait()
    except KeyboardInterrupt:
        pass
    except OSError as error:
        hint = "Give another with --port, or none to take a free one"
        raise PanoscError(f"Port {arguments.port} cannot be used ({error.strerror})", hint=hint) from error
    return 0


def announce(address: str) -> None:
    """Print the page's address and open it where there is a screen."""
    print(address, flush=True)
    print("Ctrl-C ends. The address lets in whoever has it, from this machine.", file=sys.stderr)
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or sys.platform in ("darwin", "win32"):
        webbrowser.open(address)


def describe(plot: Plot) -> dict[str, Any]:
    """Return what the plot is, in words; reads its axes but not its signal."""
    shape = " × ".join(str(n) for n in plot.signal.shape) or "a single value"
    description: dict[str, Any] = {
        "file": str(plot.file),
        "title": plot.title or "(none)",
        "plot": f"{plot.kind} of {plot.signal.path}",
        "signal": f"{plot.label}{f' ({plot.units})' if plot.units else ''}: {shape}, {plot.signal.dtype}",
        "axes": [axis_line(i, axis) for i, axis in enumerate(plot.axes) if axis is not None],
        "chosen by": plot.rule,
        "remarks": list(plot.remarks),
    }
    return {name: value for name, value in description.items() if value != []}


def axis_line(dimension: int, axis: Axis) -> str:
    """One axis in words: name, unit, range."""
    unit = f" ({axis.units})" if axis.units else ""
    edges = ", bin edges" if axis.edges else ""
    values = axis.values
    if values.size and values.dtype.kind in "iuf":
        return f"{dimension}: {axis.label or axis.name}{unit}, {values.flat[0]:.6g} … {values.flat[-1]:.6g}{edges}"
    return f"{dimension}: {axis.label or axis.name}{unit}"


def tree_lines(node: TreeNode, depth: int = 0) -> list[str]:
    """Return the tree below `node`, a line for each group, array and link."""
    what = f"  {node.nx_class}" if node.nx_class else ""
    if node.kind == "dataset":
        filters = f", {' + '.join(node.filters)}" if node.filters else ""
        virtual = f", {node.storage}" if node.storage in ("virtual", "external") else ""
        what = f"  {' × '.join(str(n) for n in node.shape or ()) or 'scalar'} {node.dtype}{filters}{virtual}"
    elif node.kind == "broken":
        what = f"  broken link to {node.target}"
    elif node.kind == "link":
        what = f"  external link to {node.target}"
    if node.target and node.kind in ("group", "dataset"):
        what += f" → {node.target}"
    lines = [f"{'  ' * depth}{node.name or '/'}{styled(what, '2')}"]
    for child in node.children:
        lines += tree_lines(child, depth + 1)
    if node.children and len(node.children) < node.size:
        rest = f"… {node.size - len(node.children)} more: show them with --path"
        lines.append(f"{'  ' * (depth + 1)}{styled(rest, '2')}")
    return lines
