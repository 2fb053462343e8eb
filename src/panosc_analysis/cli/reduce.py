"""``panosc-analysis reduce``: reduce stacks with all cores and save results that say where they came from."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from panosc_analysis.cli.arguments import Commands, add_json, add_sources, print_json, settings_from
from panosc_analysis.errors import PanoscError, ReductionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from panosc_analysis.settings import Settings
    from panosc_analysis.workbench import OpenDataset, Result

EXAMPLE = """\
example: panosc-analysis reduce scan.nxs --step azimuthal --poni geometry.poni -o profile.nxs
  panosc-analysis reduce scan.nxs --step roi --set "regions=spot=10:20, 30:40" -o spot.nxs
  panosc-analysis reduce run1.nxs run2.nxs 10.5072/demo/hc-5001-1 -o results/
  panosc-analysis reduce --from list.txt --step statistics -o results/
  panosc-analysis reduce running.nxs --follow -o so-far.nxs
  panosc-analysis reduce --steps
"""


def add_command(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "reduce",
        help="reduce stacks of frames and save the results",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument("target", nargs="*", help="a file, or the PID of a dataset; several for one result each")
    parser.add_argument("--from", dest="listed", metavar="FILE", help="more of them, one a line; - for standard input")
    parser.add_argument(
        "-o", "--output", metavar="FILE", required=True, help="NeXus file to write; for several targets a directory"
    )
    parser.add_argument("--step", metavar="NAME", action="append", help="what to do; may be given again (see --steps)")
    parser.add_argument("--set", metavar="NAME=VALUE", action="append", help="a parameter; may be given again")
    parser.add_argument("--steps", action=_ListSteps, help="list all steps with their parameters and exit")
    parser.add_argument("--path", help="array inside the file (default: what the file wants shown)")
    geometry = parser.add_argument_group("radial profile, short for --set")
    geometry.add_argument("--poni", metavar="FILE", help="detector geometry as a PONI file (default: from the file)")
    geometry.add_argument("--npt", metavar="N", help="number of points (default: 1000)")
    geometry.add_argument("--unit", choices=("q_A^-1", "q_nm^-1", "2th_deg", "r_mm"), help="unit (default: q_A^-1)")
    parser.add_argument("--follow", action="store_true", help="go on while the file is written; Ctrl-C ends it")
    parser.add_argument(
        "--patience", metavar="S", type=float, default=30.0, help="seconds without new data that end --follow (30)"
    )
    parser.add_argument("--workers", metavar="N", type=int, help="use N worker processes instead of threads")
    parser.add_argument("--overwrite", action="store_true", help="replace existing results")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    add_json(parser)
    add_sources(parser)


def run(arguments: argparse.Namespace) -> int:
    """Reduce and save; prints the saved files and what they hold. One target that fails does not stop the others."""
    from contextlib import nullcontext

    from panosc_analysis.reduction import local_cluster

    targets, parameters = _targets(arguments), _parameters(arguments)
    several = len(targets) > 1 or bool(arguments.listed) or arguments.output.endswith("/")
    settings = settings_from(arguments)
    reports, failures = [], 0
    with local_cluster(n_workers=arguments.workers) if arguments.workers else nullcontext():
        for target in targets:
            try:
                reports.append(_reduce(target, arguments, parameters, settings, several=several))
            except PanoscError as error:
                if not several:
                    raise
                failures += 1
                print(f"panosc-analysis: {target}: {error}", file=sys.stderr)
                reports.append({"target": target, "error": str(error)})
    if arguments.json:
        print_json(reports if several else reports[0])
    elif several:
        print(f"{len(targets) - failures} of {len(targets)} reduced")
    return 1 if failures else 0


class _ListSteps(argparse.Action):
    """Prints what the steps declare, and ends."""

    def __init__(self, **options: Any) -> None:
        super().__init__(nargs=0, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from panosc_analysis.reduction import STEPS

        for step in STEPS.values():
            print(f"{step.name:<14}{step.title}")
            for parameter in step.parameters:
                default = "nothing" if parameter.default in (None, "") else str(parameter.default)
                choices = f" ({', '.join(map(str, parameter.choices))})" if parameter.choices else ""
                name = f"{parameter.name} [{parameter.unit}]" if parameter.unit else parameter.name
                print(f"  {name:<22}{parameter.description}{choices}; default: {default}")
        parser.exit()


def _targets(arguments: argparse.Namespace) -> list[str]:
    listed: list[str] = []
    if arguments.listed:
        try:
            text = sys.stdin.read() if arguments.listed == "-" else Path(arguments.listed).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ReductionError(
                f"The list {arguments.listed} cannot be read ({error})", hint="Check the path"
            ) from error
        lines = (line.strip() for line in text.splitlines())
        listed = [line for line in lines if line and not line.startswith("#")]
    targets = [*arguments.target, *listed]
    if not targets:
        raise ReductionError("There is nothing to reduce", hint="Name a file or the PID of a dataset")
    return targets


def _parameters(arguments: argparse.Namespace) -> dict[str, Any]:
    from panosc_analysis.reduction import read_parameters

    texts = {name: value for name in ("poni", "npt", "unit") if (value := getattr(arguments, name)) is not None}
    for pair in arguments.set or ():
        name, separator, value = pair.partition("=")
        if not separator:
            raise ReductionError(
                f"{pair!r} is no parameter", hint="Write NAME=VALUE, see panosc-analysis reduce --steps"
            )
        texts[name.strip()] = value
    return dict(read_parameters(texts, arguments.step or ()))


def _reduce(
    target: str, arguments: argparse.Namespace, parameters: dict[str, Any], settings: Settings, *, several: bool
) -> dict[str, Any]:
    dataset = _opened(target, settings, follow=arguments.follow)
    steps = arguments.step or ()
    output = _output(arguments.output, dataset.file, steps) if several else Path(arguments.output)
    if arguments.follow:
        parameters |= {"follow": True, "patience": arguments.patience}
    result = dataset.reduce(*steps, path=arguments.path, progress=not arguments.quiet, **parameters)
    path = result.save(output, overwrite=arguments.overwrite)
    if not arguments.json:
        _print(path, result)
    arrays = {name: {"shape": list(a.values.shape), "units": a.units} for name, a in result.items()}
    reduction = result.reduction
    report = {"output": str(path), "arrays": arrays, "notes": list(reduction.notes), "partial": reduction.is_partial}
    return {"target": target, **report} if several else report


def _opened(target: str, settings: Settings, *, follow: bool) -> OpenDataset:
    """Open a dataset; a file that is to be followed need not be there yet."""
    from panosc_analysis import workbench

    path = Path(target).expanduser()
    if follow and path.suffix and path.parent.is_dir() and not path.exists():
        return workbench.OpenDataset((path.resolve(),))
    return workbench.open(target, settings)


def _output(directory: str, file: Path, steps: Sequence[str]) -> Path:
    """Name the result of one of several datasets after its file and the steps."""
    return Path(directory).expanduser() / f"{'_'.join((file.stem, *steps)) if steps else f'{file.stem}_reduced'}.nxs"


def _print(path: Path, result: Result) -> None:
    print(path)
    for name, array in result.items():
        print(f"  {name:<20} {' × '.join(str(n) for n in array.values.shape) or 'scalar':<18} {array.units or ''}")
    for note in result.reduction.notes:
        print(f"  note: {note}")
