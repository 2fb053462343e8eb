"""``panosc-analysis reduce``: reduce a stack with all cores and save a result that says where it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from panosc_analysis.cli.arguments import Commands, add_json, add_sources, print_json, settings_from

if TYPE_CHECKING:
    import argparse

EXAMPLE = "example: panosc-analysis reduce scan.nxs --poni geometry.poni --npt 2000 -o profile.nxs"


def add_command(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("reduce", help="reduce a stack of frames and save the result", epilog=EXAMPLE)
    parser.set_defaults(run=run)
    parser.add_argument("target", help="a file, or the PID of a dataset")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="NeXus file to write")
    parser.add_argument("--step", metavar="NAME", action="append", help="statistics or azimuthal; may be given again")
    parser.add_argument("--path", help="array inside the file (default: what the file wants shown)")
    geometry = parser.add_argument_group("radial profile")
    geometry.add_argument("--poni", metavar="FILE", help="detector geometry as a PONI file (default: from the file)")
    geometry.add_argument("--npt", metavar="N", type=int, help="number of points (default: 1000)")
    geometry.add_argument("--unit", choices=("q_A^-1", "q_nm^-1", "2th_deg", "r_mm"), help="unit (default: q_A^-1)")
    parser.add_argument("--workers", metavar="N", type=int, help="use N worker processes instead of threads")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing result")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    add_json(parser)
    add_sources(parser)


def run(arguments: argparse.Namespace) -> int:
    """Reduce and save; prints the saved file and what it holds."""
    from contextlib import nullcontext

    from panosc_analysis import workbench
    from panosc_analysis.reduction import local_cluster

    dataset = workbench.open(arguments.target, settings_from(arguments))
    given: dict[str, Any] = {name: getattr(arguments, name) for name in ("poni", "npt", "unit")}
    parameters = {name: value for name, value in given.items() if value is not None}
    with local_cluster(n_workers=arguments.workers) if arguments.workers else nullcontext():
        result = dataset.reduce(
            *(arguments.step or ()), path=arguments.path, progress=not arguments.quiet, **parameters
        )
    path = result.save(arguments.output, overwrite=arguments.overwrite)
    notes = result.reduction.notes
    arrays = {name: {"shape": list(a.values.shape), "units": a.units} for name, a in result.items()}
    if arguments.json:
        print_json({"output": str(path), "arrays": arrays, "notes": list(notes)})
        return 0
    print(path)
    for name, array in result.items():
        print(f"  {name:<14} {' × '.join(str(n) for n in array.values.shape) or 'scalar':<14} {array.units or ''}")
    for note in notes:
        print(f"  note: {note}")
    return 0
