"""``panosc-analysis catalogue``: turn a tree of files into the PaNOSC search API."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from panosc_analysis.cli.arguments import Commands, add_json, print_json
from panosc_analysis.errors import CatalogueError, PanoscError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from panosc_analysis.catalogue import IndexReport

INDEX_EXAMPLE = "example: panosc-analysis catalogue index /data/facility --index catalogue.sqlite"
SERVE_EXAMPLE = "example: panosc-analysis catalogue serve --index catalogue.sqlite --port 8010"


def add_command(commands: Commands) -> None:
    """Declare the command and its two parts."""
    parser = commands.add_parser("catalogue", help="index a tree of files and serve it as a search API")
    parts = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    index = parts.add_parser("index", help="read the files' metadata into an index", epilog=INDEX_EXAMPLE)
    index.set_defaults(run=run_index)
    index.add_argument("directory", metavar="DIR", type=Path, nargs="?", help="tree of data files")
    index.add_argument("--index", metavar="FILE", type=Path, required=True, help="index to make or to bring up to date")
    index.add_argument("--facility", metavar="NAME", help="name of the facility, where the files do not say")
    index.add_argument(
        "--public", action="store_true", default=None, help="these data are open, where files say nothing"
    )
    index.add_argument(
        "--proposals", metavar="FILE", type=Path, help="table of proposals (default: facility.json in DIR)"
    )
    index.add_argument(
        "--policy", metavar="FILE", type=Path, help="panosc.yaml: names facility and proposals, and the tree of --root"
    )
    index.add_argument("--root", metavar="NAME", help="which of the policy's roots (needed where there are several)")
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

    with tree(arguments) as (directory, proposals), counting_progress(sys.stderr) as report:
        done = build_index(
            directory,
            arguments.index,
            facility=arguments.facility,
            public=arguments.public,
            proposals=proposals,
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


@contextmanager
def tree(arguments: argparse.Namespace) -> Iterator[tuple[Path, Path | None]]:
    """Say what to index: the directory and the table that were named, or those of one root of a policy.

    Raises
    ------
    CatalogueError
        Neither was named, or the policy cannot be used.
    """
    if arguments.policy is None:
        if arguments.directory is None:
            raise CatalogueError("nothing to index", hint="Name the tree, or --policy with its panosc.yaml")
        yield arguments.directory, arguments.proposals
        return
    from hub_config.errors import HubConfigError
    from hub_config.policy import read_policy
    from hub_config.tables import write_table

    try:
        policy = read_policy(arguments.policy)
    except HubConfigError as error:
        raise CatalogueError(str(error), hint="The index stays as it is until then") from error
    root = arguments.root or (next(iter(policy.roots)) if len(policy.roots) == 1 else "")
    if root not in policy.roots:
        hint = f"Name one with --root: {', '.join(policy.roots)}"
        raise CatalogueError(f"the policy has no root {root!r}" if root else "the policy has several roots", hint=hint)
    with TemporaryDirectory() as directory:
        table = Path(directory) / "proposals.json"
        write_table(policy, root, table)
        yield arguments.directory or policy.roots[root], table


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
