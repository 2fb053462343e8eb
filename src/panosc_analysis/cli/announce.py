"""``panosc-analysis announce``: tell everybody something, on every page of the hub."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from panosc_analysis.cli.arguments import Commands

if TYPE_CHECKING:
    import argparse

EXAMPLE = 'example: panosc-analysis announce "The storage is maintained on Tuesday from 8 to 10."'


def add_command(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("announce", help="put a text on every page of the hub", epilog=EXAMPLE)
    parser.set_defaults(run=run)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("text", metavar="TEXT", nargs="?", default="", help="the text; it takes the last one's place")
    what.add_argument("--clear", action="store_true", help="take the announcement away")
    parser.add_argument(
        "--policy", metavar="FILE", type=Path, help="policy of the hub (default: panosc.yaml; in a hub's pod its own)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write or remove the text; the running hub shows it at the next page."""
    from hub_config.announcements import announce
    from hub_config.errors import HubConfigError

    try:
        announce(state_of(arguments.policy) / "announcement.txt", "" if arguments.clear else arguments.text)
    except (HubConfigError, OSError) as error:
        print(f"panosc-analysis: {error}", file=sys.stderr)
        return 1
    return 0


def state_of(policy: Path | None) -> Path:
    """Return the state directory of the hub that `policy` is for, or of the one whose pod this is."""
    from hub_config.cluster import cluster_file, read_cluster
    from hub_config.policy import read_policy

    if policy is None and cluster_file().exists():
        return read_cluster().state
    return read_policy(policy or Path("panosc.yaml")).hub.state
