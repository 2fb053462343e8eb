"""``panosc-analysis access``: who gets what and why; whether a policy fits the data on disk."""

from __future__ import annotations

import shutil
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from panosc_analysis.cli.arguments import Commands, add_json, print_json, styled

if TYPE_CHECKING:
    import argparse

    from hub_config.access import Access

EXPLAIN_EXAMPLE = "example: panosc-analysis access explain alice --policy panosc.yaml --group proposal-hc-5001"
CHECK_EXAMPLE = "example: panosc-analysis access check --policy panosc.yaml"


def add_command(commands: Commands) -> None:
    """Declare the command and its two parts."""
    parser = commands.add_parser("access", help="say who gets which data, and check a policy")
    parts = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    explain = parts.add_parser("explain", help="what a person gets, why, and why not the rest", epilog=EXPLAIN_EXAMPLE)
    explain.set_defaults(run=run_explain)
    explain.add_argument("person", metavar="NAME", help="name in the hub")
    explain.add_argument(
        "--group",
        metavar="GROUP",
        action="append",
        help="hub group she is in; again for more (default: what tables say)",
    )
    check = parts.add_parser("check", help="compare a policy with the directories it names", epilog=CHECK_EXAMPLE)
    check.set_defaults(run=run_check)
    for part in (explain, check):
        part.add_argument(
            "--policy", metavar="FILE", type=Path, default=Path("panosc.yaml"), help="default: panosc.yaml"
        )
        add_json(part)


def run_explain(arguments: argparse.Namespace) -> int:
    """Print one person's row of the access table."""
    from hub_config.errors import HubConfigError
    from hub_config.explaining import as_table, explain
    from hub_config.policy import read_policy

    try:
        access = explain(read_policy(arguments.policy), arguments.person, arguments.group)
    except HubConfigError as error:
        print(f"panosc-analysis: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print_json(as_table(access))
    else:
        print_access(access)
    return 0


def print_access(access: Access) -> None:
    """Print what a person gets and what not, each with its reason."""
    account = access.account
    numbers = f"uid {account.uid}, gid {account.gid} ({account.reason})" if account else f"none: {access.no_account}"
    print(styled(access.person, "1"))
    print(f"  account   {numbers}")
    print(f"  groups    {' '.join(map(str, access.gids)) or 'none'}")
    print_rows("sees", [(one.name, f"{one.reason}, {one.source}") for one in access.mounts])
    print_rows("not", [(one.name, one.reason) for one in access.refusals])
    print_rows("may start", [(one.name, f"{one.title}, {one.limits}") for one in access.profiles])
    print_rows("may not", [(one.name, one.reason) for one in access.refused_profiles])


def print_rows(head: str, rows: list[tuple[str, str]]) -> None:
    """Print names with reasons below one head, wrapped to the terminal."""
    width = max((len(name) for name, _ in rows), default=0)
    columns = max(shutil.get_terminal_size().columns, 60)
    for index, (name, reason) in enumerate(rows):
        left = f"  {head if index == 0 else '':<9} {name:<{width}}  "
        print("\n".join(textwrap.wrap(reason, columns, initial_indent=left, subsequent_indent=" " * len(left))))


def run_check(arguments: argparse.Namespace) -> int:
    """Print what a policy finds on disk; 1 if something keeps people from their data."""
    from hub_config.errors import HubConfigError
    from hub_config.explaining import check_tree
    from hub_config.policy import read_policy

    try:
        policy = read_policy(arguments.policy)
    except HubConfigError as error:
        print(f"panosc-analysis: {error}", file=sys.stderr)
        return 1
    findings = check_tree(policy)
    errors = sum(one.grade == "error" for one in findings)
    if arguments.json:
        rows = [{"grade": f.grade, "where": f.where, "message": f.message} for f in findings]
        print_json({"proposals": len(policy.proposals), "errors": errors, "findings": rows})
        return 1 if errors else 0
    for one in findings:
        print(f"{styled(one.grade, '31' if one.grade == 'error' else '33')}  {one.where}: {one.message}")
    print(f"{len(policy.proposals)} proposals; errors: {errors}, warnings: {len(findings) - errors}")
    return 1 if errors else 0
