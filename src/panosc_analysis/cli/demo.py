"""``panosc-analysis demo``: the whole platform on this machine, for its demo people."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from panosc_analysis.cli.arguments import Commands, styled
from panosc_analysis.errors import PanoscError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from types import FrameType

    from hub_config.settings import HubSettings

EXAMPLE = "example: panosc-analysis demo --directory .demo --port 8000"
# From a cold disk on a slow machine the hub needs a multiple of its usual three seconds.
START_TIMEOUT = 120.0
# A shell starts background jobs with Ctrl-C ignored, so even that one is asked for by name.
POLICY = """\
# Who gets which data, in which session. `panosc-analysis access explain alice` says what follows from it.
facility: PaNOSC demo facility
roots:
  facility: {path: facility}
proposals:
  files: [facility/facility.json]
hub: {state: hub}
profiles:
  lab: {title: JupyterLab, description: "Notebooks, terminals and the data viewer"}
"""
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def add_command(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("demo", help="run the whole platform on this machine", epilog=EXAMPLE)
    parser.set_defaults(run=run)
    parser.add_argument("--directory", metavar="DIR", type=Path, default=Path(".demo"), help="where everything is kept")
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to listen on (default: 127.0.0.1)")
    parser.add_argument(
        "--port", metavar="N", type=int, default=8000, help="port, or the next free one (default: 8000)"
    )
    parser.add_argument(
        "--size", choices=("small", "medium", "large"), default="small", help="size of the demo facility"
    )
    parser.add_argument(
        "--tutorials", metavar="DIR", type=Path, help="notebooks for new people (default: the project's)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Make what is missing, start the hub, print the address, wait for Ctrl-C, leave nothing running."""
    from hub_config.errors import HubConfigError
    from hub_config.launcher import running_hub
    from hub_config.settings import check_loopback, write_settings

    try:
        check_loopback(arguments.host)
        directory = arguments.directory.expanduser().resolve()
        prepare(directory, arguments.size)
        settings = hub_settings(arguments, directory)
        environment = write_settings(settings, settings.state / "hub.json")
        log = settings.state / "logs" / "hub.log"
        say("Starting the hub …")
        handle_endings(interrupt)
        try:
            with running_hub(environment, log, (settings.host, settings.port), START_TIMEOUT):
                greet(settings, arguments.port)
                signal.pause()
        except KeyboardInterrupt:
            say("Stopped: no session is running any more.")
        return 0
    except HubConfigError as error:
        print(f"panosc-analysis: {error}", file=sys.stderr)
        return 1


def interrupt(_signal: int, _frame: FrameType | None) -> None:
    """End as Ctrl-C does, once: a second one must not leave sessions behind."""
    handle_endings(signal.SIG_IGN)
    say("Stopping every session …")
    raise KeyboardInterrupt


def handle_endings(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    """Have every way of ending this program handled by `handler`."""
    for number in ENDINGS:
        signal.signal(number, handler)


def prepare(directory: Path, size: str) -> None:
    """Make the demo facility if there is none, and bring its index up to date."""
    from panosc_analysis.catalogue import build_index

    directory.mkdir(parents=True, exist_ok=True)
    facility = prepare_facility(directory, size)
    protect(facility)
    report_of_index = build_index(facility, directory / "catalogue.sqlite")
    if report_of_index.added or report_of_index.updated:
        say(f"Indexed {report_of_index.added + report_of_index.updated} files for the search.")


def prepare_facility(directory: Path, size: str) -> Path:
    """Write the demo facility's data into `directory` if they are not there."""
    from panosc_analysis.demo import make_facility
    from panosc_analysis.widgets import counting_progress

    facility = directory / "facility"
    if not facility.exists():
        say(f"Writing the demo facility's data into {facility} …")
        with counting_progress(sys.stderr) as report:
            made = make_facility(facility, size=size, progress=report)
        say(f"  {made.files} files, {made.size / 1e6:.0f} MB")
    return facility


def protect(facility: Path) -> None:
    """Where sessions cannot mount read-only, let the files' modes protect the data.

    Raises
    ------
    PanoscError
        Nothing on this system would keep a session from writing to the data.
    """
    check = [
        sys.executable,
        "-c",
        "from hub_config.spawning.session import can_mount; raise SystemExit(not can_mount())",
    ]
    if subprocess.run(check, check=False).returncode == 0:
        return
    if os.getuid() == 0:
        raise PanoscError(
            "This system lets root neither mount nor make namespaces, so sessions could write to the data",
            hint="Run it as an ordinary account",
        )
    say("This system has no mount namespaces: the data are protected by their file modes only.")
    for path in (facility, *facility.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)


def hub_settings(arguments: argparse.Namespace, directory: Path) -> HubSettings:
    """Choose ports and passwords for this run."""
    from hub_config.authentication import make_password
    from hub_config.launcher import free_ports, next_free_port
    from hub_config.settings import Catalogue, HubSettings

    state = directory / "hub"
    for part in (state, state / "logs"):
        part.mkdir(mode=0o700, exist_ok=True)
    port = next_free_port(arguments.host, arguments.port)
    hub_port, proxy_port, catalogue_port = free_ports(3)
    return HubSettings(
        state=state,
        policy=demo_policy(directory),
        catalogues=(Catalogue("catalogue", directory / "catalogue.sqlite", catalogue_port),),
        tutorials=arguments.tutorials or project_tutorials(),
        host=arguments.host,
        port=port,
        hub_port=hub_port,
        proxy_port=proxy_port,
        password=make_password(),
        admin_password=make_password(admin=True),
    )


def demo_policy(directory: Path, more: str = "") -> Path:
    """Write the policy of the demo facility if there is none; an operator may change it and start again."""
    path = directory / "panosc.yaml"
    if not path.exists():
        path.write_text(POLICY + more, encoding="utf-8")
    return path


def project_tutorials() -> Path | None:
    """Return the notebooks of the checkout that this package was installed from, if it was."""
    folder = Path(__file__).resolve().parents[3] / "notebooks" / "tutorials"
    return folder if folder.is_dir() else None


def greet(settings: HubSettings, wanted: int) -> None:
    """Print the address and the people, first what the newcomer needs."""
    if settings.port != wanted:
        say(f"Port {wanted} is taken; using {settings.port}.")
    if os.getuid() == 0:
        say("Warning: you run this as root, so every session has root's rights. Prefer an ordinary account.")
    people = "alice or bob (scientists), ines (instructor)"
    print(
        f"\n  Open        {styled(settings.url, '1;36')}\n"
        f"  Log in as   {people}\n"
        f"  Password    {styled(settings.password, '1')}\n"
        f"  Operator    {', '.join(settings.operators)}, password {settings.admin_password}\n\n"
        "  Sessions are plain processes of your account: they isolate nobody from anybody. It is for you alone, and\n"
        "  listens on this machine only. Logs are in "
        f"{settings.state / 'logs'}. Ctrl-C stops everything.\n",
        flush=True,
    )


def say(line: str) -> None:
    """Say what is going on, on standard error."""
    print(line, file=sys.stderr, flush=True)
