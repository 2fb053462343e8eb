"""``panosc-analysis locate``: where the files of a dataset are on this machine."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from panosc_analysis.cli.arguments import Commands, add_json, add_sources, print_json, settings_from

if TYPE_CHECKING:
    import argparse

EXAMPLE = "example: panosc-analysis locate 10.5072/demo/hc-5001-1"


def add_command(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("locate", help="say where a dataset's files are on this machine", epilog=EXAMPLE)
    parser.set_defaults(run=run)
    parser.add_argument("pid", help="persistent identifier of the dataset")
    add_json(parser)
    add_sources(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print a path for each file that is here, and a reason for each that is not; 1 if none is here."""
    from panosc_analysis.locate import locate
    from panosc_analysis.search import FederatedSearch

    settings = settings_from(arguments)
    located = locate(FederatedSearch(settings).get(arguments.pid), settings)
    if arguments.json:
        missing = [{"file": m.file.name, "reason": str(m.error)} for m in located.missing]
        print_json({"pid": arguments.pid, "files": [str(p) for p in located.paths], "missing": missing})
        return 0 if located.paths else 1
    for path in located.paths:
        print(path)
    for gone in located.missing:
        print(f"{gone.file.name}: {gone.error}", file=sys.stderr)
    return 0 if located.paths else 1
