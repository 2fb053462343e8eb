"""``panosc-analysis identity``: whether a login provider fits, and what a person's claims would give."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from panosc_analysis.cli.access import print_rows
from panosc_analysis.cli.arguments import Commands, add_json, print_json, styled

if TYPE_CHECKING:
    import argparse

    from hub_config.identity.explaining import Explanation
    from hub_config.policy import Policy

CHECK_EXAMPLE = "example: panosc-analysis identity check --policy panosc.yaml"
EXPLAIN_EXAMPLE = "example: panosc-analysis identity explain userinfo.json --policy panosc.yaml"


def add_command(commands: Commands) -> None:
    """Declare the command and its two parts."""
    parser = commands.add_parser("identity", help="check a login provider, and what claims would give")
    parts = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    check = parts.add_parser("check", help="ask the provider what it offers", epilog=CHECK_EXAMPLE)
    check.set_defaults(run=run_check)
    explain = parts.add_parser("explain", help="say what the claims of one person give", epilog=EXPLAIN_EXAMPLE)
    explain.set_defaults(run=run_explain)
    explain.add_argument("claims", metavar="FILE", type=Path, help="the provider's userinfo answer as JSON")
    for part in (check, explain):
        part.add_argument(
            "--policy", metavar="FILE", type=Path, default=Path("panosc.yaml"), help="default: panosc.yaml"
        )
        add_json(part)


def run_check(arguments: argparse.Namespace) -> int:
    """Print what the provider offers and what is missing; 1 if a hub could not start with it."""
    from hub_config.errors import HubConfigError
    from hub_config.identity.explaining import shortcomings
    from hub_config.identity.provider import discover
    from hub_config.identity.settings import identity_settings

    try:
        settings = identity_settings(_section(_policy(arguments.policy)), os.environ)
        provider = discover(settings.issuer, timeout=settings.refresh.timeout)
    except HubConfigError as error:
        return _failed(error)
    missing = list(shortcomings(provider, settings))
    rows = {"issuer": provider.issuer, "logs in at": provider.authorization, "back at": settings.callback_url}
    rows |= {"scopes": " ".join(settings.scopes), "user name": settings.user_name.claim}
    if arguments.json:
        print_json({**rows, "warnings": missing})
        return 0
    for name, value in rows.items():
        print(f"{name:<11} {value}")
    for warning in missing:
        print(f"{styled('warning', '33')}  {warning}")
    return 0


def run_explain(arguments: argparse.Namespace) -> int:
    """Print what one person's claims would give; 1 if she could not log in."""
    from hub_config.errors import HubConfigError
    from hub_config.identity.explaining import explain_claims
    from hub_config.identity.settings import identity_settings

    try:
        policy = _policy(arguments.policy)
        settings = identity_settings(_section(policy), None)
        claims = _claims(arguments.claims)
    except HubConfigError as error:
        return _failed(error)
    found = explain_claims(claims, settings, {p.id for p in policy.proposals})
    if arguments.json:
        print_json(_table(found))
    else:
        _print(found)
    return 1 if found.reason else 0


def _print(found: Explanation) -> None:
    person = found.person
    print(styled(found.user_name or "nobody", "1") + (f"  shown as {found.display_name}" if found.display_name else ""))
    print(f"  {'login':<9} {f'refused: {found.reason}' if found.reason else 'yes'}")
    print(f"  {'groups':<9} {' '.join(sorted(person.groups)) or 'none'}")
    print_rows("not here", [(name, "member, but the policy has no such proposal") for name in sorted(person.elsewhere)])
    lacking = "withheld: the provider does not vouch for " + ", ".join(person.withheld)
    print_rows("withheld", [(name, lacking) for name in sorted(person.unassured)])
    print_rows("numbers", [(name, str(number)) for name, number in sorted(person.numbers.items())])
    print_rows("alarms", [(claim, f"{reason}: it gives nothing") for claim, reason in sorted(person.alarms.items())])
    print_rows("refused", [(f"{count} ×", reason) for reason, count in sorted(person.refused.items())])
    # Below each other: entitlements are as long as a line.
    for index, one in enumerate(found.values):
        print(f"  {'values' if index == 0 else '':<9} {one.value}\n{'':<12}→ {one.outcome}")


def _table(found: Explanation) -> dict[str, Any]:
    person = found.person
    return {
        "user_name": found.user_name or None,
        "login": not found.reason,
        "reason": found.reason or None,
        "display_name": found.display_name or None,
        "groups": sorted(person.groups),
        "elsewhere": sorted(person.elsewhere),
        "withheld": list(person.withheld),
        "unassured": sorted(person.unassured),
        "numbers": person.numbers,
        "alarms": person.alarms,
        "refused": dict(person.refused),
        "values": [{"claim": v.claim, "value": v.value, "outcome": v.outcome} for v in found.values],
    }


def _policy(file: Path) -> Policy:
    from hub_config.policy import read_policy

    return read_policy(file)


def _section(policy: Policy) -> Any:
    from hub_config.errors import HubConfigError

    if policy.identity is None:
        raise HubConfigError("The policy has no `identity:` section. docs/operating/identity.md shows what to write.")
    return policy.identity


def _claims(file: Path) -> dict[str, Any]:
    from hub_config.errors import HubConfigError

    try:
        claims = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise HubConfigError(f"{file} is no JSON: {error}. Save the provider's userinfo answer there.") from error
    if not isinstance(claims, dict):
        raise HubConfigError(f"{file} is JSON, but no object. Save the provider's userinfo answer there.")
    return claims


def _failed(error: Exception) -> int:
    print(f"panosc-analysis: {error}", file=sys.stderr)
    return 1
