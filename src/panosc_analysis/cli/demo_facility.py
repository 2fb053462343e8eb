"""``panosc-analysis demo-facility``: write the data of a small facility."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from panosc_analysis.cli.arguments import Commands

if TYPE_CHECKING:
    import argparse

EXAMPLE = "example: panosc-analysis demo-facility facility --size small"


def add_command(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("demo-facility", help="write the data tree of a demo facility", epilog=EXAMPLE)
    parser.set_defaults(run=run)
    parser.add_argument("directory", metavar="DIR", type=Path, help="directory to make; must not exist or be empty")
    parser.add_argument("--size", choices=("small", "medium", "large"), default="small", help="about 0.1, 2 or 20 GB")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same files (default: 0)")


def run(arguments: argparse.Namespace) -> int:
    """Write the tree, with progress on standard error."""
    from panosc_analysis.demo import make_facility
    from panosc_analysis.widgets import counting_progress

    with counting_progress(sys.stderr) as report:
        facility = make_facility(arguments.directory, size=arguments.size, seed=arguments.seed, progress=report)
    print(f"{facility.directory}: {facility.files} files, {facility.size / 1e6:.0f} MB")
    return 0
