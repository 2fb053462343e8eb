"""``panosc-analysis catalogue``: turn a tree of files into the PaNOSC search API."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from panosc_analysis.cli.arguments import Commands, add_json, print_json
from panosc_analysis.errors import PanoscError

if TYPE_CHECKING:
    import argparse

    from panosc_analysis.catalogue import IndexReport

INDEX_EXAMPLE = "example: panosc-analysis catalogue index /data/facility --index catalogue.sqlite"
SERVE_EXAMPLE = "example: panosc-analysis catalogue serve --index catalogue.sqlite --port 8010"


def add_command(commands: Commands) -> None:
    """Declare the command and its two parts."""
    parser = commands.add_parser("catalogue", help="index a tree of files and serve it as a search API")
    parts = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    index = parts.add_parser("index", help="read the files' metadata into an index", epilog=INDEX_EXAMPLE)
    index.set_defaults(run=run_index)
    index.add_argument("directory", metavar="DIR", type=Path, help="tree of data files")
    index.add_argument("--index", metavar="FILE", type=Path, required=True, help="index to make or to bring up to date")
    index.add_argument("--facility", metavar="NAME", help="name of the facility, where the files do not say")
    index.add_argument(
        "--public", action="store_true", default=None, help="these data are open, where files say nothing"
    )
    index.add_argument(
        "--proposals", metavar="FILE", type=Path, help="table of proposals (default: facility.json in DIR)"
    )
    index.add_argument("--every", metavar="S", type=float, help="do it again and again, with a pause of S seconds")
    index.add_argument(
        "--only", metavar="PATH", type=Path, action="append", default=[],
        help="look at this place below DIR alone, for example a visit that has ended; may be given several times",
    )  # fmt: skip
    add_json(index)

    serve = parts.add_parser("serve", help="answer search API requests from an index", epilog=SERVE_EXAMPLE)
    serve.set_defaults(run=run_serve)
    serve.add_argument("--index", metavar="FILE", type=Path, required=True, help="index made by `catalogue index`")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    serve.add_argument("--port", metavar="N", type=int, default=8010, help="port (default: 8010)")
    serve.add_argument(
        "--plain-http", action="store_true", help="allow another address: only for a network inside this machine"
    )
    who = serve.add_mutually_exclusive_group()
    who.add_argument("--membership", metavar="URL", help="ask here, with the asking person's token, for her groups")
    who.add_argument("--all", action="store_true", help="show embargoed datasets to everybody: for your own machine")


def run_index(arguments: argparse.Namespace) -> int:
    """Index and report; 0 even if single files were refused, since they are listed with the reason."""
    if not arguments.every:
        index_once(arguments)
        return 0
    while True:
        try:
            index_once(arguments)
        except PanoscError as error:
            # A storage that is away for an hour must not end what keeps the index up to date.
            print(f"panosc-analysis: {error}", file=sys.stderr, flush=True)
        time.sleep(arguments.every)


def index_once(arguments: argparse.Namespace) -> None:
    """Bring the index up to date, and say what was done."""
    from panosc_analysis.catalogue import build_index
    from panosc_analysis.widgets import counting_progress

    with counting_progress(sys.stderr) as report:
        done = build_index(
            arguments.directory,
            arguments.index,
            facility=arguments.facility,
            public=arguments.public,
            proposals=arguments.proposals,
            only=arguments.only,
            progress=report,
        )
    if arguments.json:
        print_json(
            {
                "added": done.added,
                "updated": done.updated,
                "unchanged": done.unchanged,
                "removed": done.removed,
                "datasets": done.datasets,
                "passed_over": list(done.passed_over),
                "refused": [{"path": str(r.path), "reason": r.reason} for r in done.refused],
                "seconds": done.seconds,
            }
        )
    elif not arguments.every or done.added or done.updated or done.removed:
        print_report(done)


def print_report(done: IndexReport) -> None:
    """Say what an indexing run did."""
    print(
        f"{done.added} files added, {done.updated} updated, {done.unchanged} unchanged, {done.removed} removed, "
        f"{len(done.refused)} refused in {done.seconds:.1f} s; {done.datasets} datasets in the index"
    )
    for refusal in done.refused:
        print(f"  {refusal.path}: {refusal.reason}")


def run_serve(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from panosc_analysis.catalogue import HttpMembership, serve

    membership = HttpMembership(arguments.membership) if arguments.membership else None
    print(f"Search API at http://{arguments.host}:{arguments.port}/api (Ctrl-C stops it)", file=sys.stderr)
    serve(
        arguments.index,
        arguments.host,
        arguments.port,
        membership=membership,
        everything=arguments.all,
        plain_http=arguments.plain_http,
    )
    return 0
