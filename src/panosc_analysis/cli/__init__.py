"""The command line: the way of the data without a notebook, and the operator's tools.

One module for each command: it declares its arguments and calls the room that does the work. Output is for people, or
with ``--json`` for programs; progress goes to standard error. Exit codes: 0, 1 failed, 2 wrong use.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from panosc_analysis import __version__
from panosc_analysis.cli import (
    access,
    announce,
    catalogue,
    demo,
    demo_facility,
    doctor,
    identity,
    locate,
    reduce,
    search,
    show,
    up,
)
from panosc_analysis.errors import PanoscError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

COMMANDS = (search, locate, show, reduce, catalogue, demo_facility, demo, up, access, identity, announce, doctor)

EXAMPLE = """\
the way of the data:
  panosc-analysis search --technique "powder diffraction" --photon-energy 30:50
  panosc-analysis locate 10.5072/demo/hc-5001-1
  panosc-analysis show 10.5072/demo/hc-5001-1 --png picture.png
  panosc-analysis reduce 10.5072/demo/hc-5001-1 -o profile.nxs
"""


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="panosc-analysis",
        description="Find, show and reduce the data of photon and neutron facilities.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"panosc-analysis {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in COMMANDS:
        module.add_command(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    arguments = make_parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except PanoscError as error:
        print(f"panosc-analysis: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("panosc-analysis: stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of a pipe has left (`… | head`): nothing to say, and Python must not say it at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
