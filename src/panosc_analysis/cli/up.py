"""``panosc-analysis up`` and ``down``: the platform on one Docker host, a container for each session."""

from __future__ import annotations

import signal
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from panosc_analysis.cli import demo
from panosc_analysis.cli.arguments import Commands, styled

if TYPE_CHECKING:
    import argparse

    from hub_config.policy import Policy
    from hub_config.settings import HubSettings

EXAMPLE = "example: panosc-analysis up --policy /etc/panosc/panosc.yaml"
START_TIMEOUT = 120.0


def add_command(commands: Commands) -> None:
    """Declare the two commands."""
    up = commands.add_parser("up", help="run the hub on this Docker host, a container for each session", epilog=EXAMPLE)
    up.set_defaults(run=run_up)
    up.add_argument(
        "--prepare",
        action="store_true",
        help="only make the network and the packet filter, for a hub started otherwise",
    )
    down = commands.add_parser("down", help="end every session of this Docker host; homes stay")
    down.set_defaults(run=run_down)
    for parser in (up, down):
        parser.add_argument(
            "--policy", metavar="FILE", type=Path, help="panosc.yaml (default: that of a demo facility in .panosc)"
        )


def run_up(arguments: argparse.Namespace) -> int:
    """Prepare the host, run the hub until Ctrl-C; sessions go on after it."""
    from hub_config.errors import HubConfigError
    from hub_config.launcher import running_hub
    from hub_config.policy import read_policy
    from hub_config.running import connected, prepared_settings
    from hub_config.settings import write_settings

    try:
        policy = read_policy(arguments.policy or demo_policy(Path(".panosc")))
        tries = 1 if arguments.policy else 100
        settings = prepared_settings(connected(), policy, hub_image(), tries=tries)
        environment = write_settings(settings, settings.state / "hub.json")
        if arguments.prepare:
            return 0
        index_roots(policy, settings)
        demo.say("Starting the hub …")
        demo.handle_endings(interrupt)
        log = settings.state / "logs" / "hub.log"
        log.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            with running_hub(environment, log, (settings.host, settings.port), START_TIMEOUT, "docker"):
                greet(policy, settings)
                signal.pause()
        except KeyboardInterrupt:
            demo.say("Stopped the hub. Sessions go on and are found again at the next start; `down` ends them.")
        return 0
    except HubConfigError as error:
        print(f"panosc-analysis: {error}", file=sys.stderr)
        return 1


def hub_image() -> str:
    """Return the name of the image that belongs to this version."""
    return f"panosc-analysis/hub:{version('panosc-analysis')}"


def interrupt(_signal: int, _frame: object) -> None:
    """End as Ctrl-C does, once."""
    demo.handle_endings(signal.SIG_IGN)
    raise KeyboardInterrupt


def demo_policy(directory: Path) -> Path:
    """Make a demo facility and its policy for this host, if they are not there."""
    directory.mkdir(parents=True, exist_ok=True)
    demo.prepare_facility(directory, "small")
    return demo.demo_policy(directory, DESKTOP)


DESKTOP = """\
  desktop: {title: Remote desktop, description: "silx view, PyMca and a terminal", kind: desktop}
accounts: {source: fixed, uid: 1000, gid: 1000}
"""


def index_roots(policy: Policy, settings: HubSettings) -> None:
    """Bring the index of the data up to date before people search."""
    from panosc_analysis.catalogue import build_index

    for one in settings.catalogues:
        if one.root is None:
            continue
        done = build_index(one.root, one.index, facility=policy.facility, proposals=one.proposals)
        if done.added or done.updated:
            demo.say(f"Indexed {done.added + done.updated} files for the search.")


def greet(policy: Policy, settings: HubSettings) -> None:
    """Print where people log in, and how."""
    address = policy.hub.public_url or settings.url
    lines = [f"  Open        {styled(address, '1;36')}"]
    if policy.identity is None:
        lines += [
            "  Log in as   alice or bob (scientists), ines (instructor)",
            f"  Password    {styled(settings.password, '1')}",
            f"  Operator    {', '.join(settings.operators)}, password {settings.admin_password}",
        ]
    lines += ["", f"  Each session is a container. Logs are in {settings.state / 'logs'}. Ctrl-C stops the hub."]
    print("\n" + "\n".join(lines) + "\n", flush=True)


def run_down(arguments: argparse.Namespace) -> int:
    """End every session; homes stay."""
    from hub_config.errors import HubConfigError
    from hub_config.policy import read_policy
    from hub_config.running import connected, end_sessions

    try:
        policy = read_policy(arguments.policy or Path(".panosc/panosc.yaml"))
        ended = end_sessions(connected(), policy, hub_image())
    except HubConfigError as error:
        print(f"panosc-analysis: {error}", file=sys.stderr)
        return 1
    print(f"{len(ended)} sessions ended{': ' + ', '.join(sorted(ended)) if ended else ''}. Homes are kept.")
    return 0
