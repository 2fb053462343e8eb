"""``panosc-analysis search``: find datasets by what they are."""

from __future__ import annotations

import argparse
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from panosc_analysis.cli.arguments import Commands, add_json, add_sources, numbers, print_json, settings_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from panosc_analysis.search import Arrival
    from panosc_analysis.settings import Settings

EXAMPLE = 'example: panosc-analysis search "LaB6" --technique "powder diffraction" --photon-energy 30:50'
NAMES = ("technique", "photon_energy", "wavelength", "temperature", "instrument", "facility", "proposal", "sample")


def add_command(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("search", help="find datasets by what they are", epilog=EXAMPLE)
    parser.set_defaults(run=run)
    parser.add_argument("text", nargs="?", help="words in titles, sample and instrument names")
    parser.add_argument("--technique", metavar="NAME", help="name, abbreviation or PaNET code: SAXS, XRF, PaNET01188")
    parser.add_argument("--photon-energy", metavar="A:B", type=quantity, help='in keV, 8:12, or "8000-12000 eV"')
    parser.add_argument("--wavelength", metavar="A:B", type=quantity, help='in angstrom, or "0.1-0.2 nm"')
    parser.add_argument("--temperature", metavar="A:B", type=quantity, help='of the sample in K, or "20 °C"')
    parser.add_argument(
        "--parameter", metavar="NAME=VALUE", type=named, action="append", help='any other: "sample_pressure=1-2 bar"'
    )
    parser.add_argument("--instrument", metavar="NAME", help="instrument or beamline")
    parser.add_argument("--facility", metavar="NAME", help="facility")
    parser.add_argument("--proposal", metavar="ID", help="proposal")
    parser.add_argument("--sample", metavar="NAME", help="sample")
    parser.add_argument("--public", action="store_true", default=None, help="only open data")
    parser.add_argument("--since", metavar="DATE", help="measured on this day or later (2026-05-01)")
    parser.add_argument("--until", metavar="DATE", help="measured on this day or earlier")
    parser.add_argument("--filter", metavar="JSON", help="the search API's own filter, instead of all of the above")
    parser.add_argument("--limit", metavar="N", type=int, default=25, help="at most so many datasets (default: 25)")
    add_json(parser)
    add_sources(parser)


def quantity(text: str) -> Any:
    """Read a range of numbers, one number, or whatever has a unit; the latter is read with the question."""
    if ":" not in text and any(map(str.isdigit, text)) and any(map(str.isalpha, text.replace("e", ""))):
        return text
    low, high = numbers(text)
    return (low, high) if ":" in text else low


def named(text: str) -> tuple[str, str]:
    """Read a parameter and its value.

    Raises
    ------
    argparse.ArgumentTypeError
        There is no ``=``.
    """
    name, equals, value = text.partition("=")
    if not (name.strip() and equals and value.strip()):
        raise argparse.ArgumentTypeError(f"{text!r} is no parameter; write for example sample_pressure=1-2 bar")
    return name.strip(), value.strip()


def run(arguments: argparse.Namespace) -> int:
    """Print the datasets found and the outcome of each provider; 1 if no provider gave an answer."""
    from panosc_analysis.filters import filter_from_text
    from panosc_analysis.search import FederatedSearch

    settings = settings_from(arguments)
    given = {name: getattr(arguments, name) for name in ("text", *NAMES, "public", "since", "until", "limit")}
    query = {name: value for name, value in given.items() if value is not None}
    if arguments.parameter:
        query["parameters"] = dict(arguments.parameter)
    filter = filter_from_text(arguments.filter) if arguments.filter else None
    with progress(settings) as report:
        hits = FederatedSearch(settings).search(filter, report=report, **query)
    if arguments.json:
        print_json(hits.to_json())
    else:
        print(hits)
    return 0 if any(outcome.answered for outcome in hits.outcomes) else 1


@contextmanager
def progress(settings: Settings) -> Iterator[Callable[[Arrival], None]]:
    """Say on one line of the terminal who has answered and who has not; nothing elsewhere."""
    found = {provider.name: 0 for provider in settings.providers}
    waiting = list(found)
    shown = sys.stderr.isatty()

    def report(arrival: Arrival) -> None:
        found[arrival.provider] += len(arrival.datasets)
        if arrival.outcome is not None:
            waiting.remove(arrival.provider)
        if shown:
            said = f"{sum(found.values())} datasets, waiting for {', '.join(waiting)}" if waiting else ""
            sys.stderr.write(f"\r\033[K{''.join(filter(str.isprintable, said))[:79]}")
            sys.stderr.flush()

    try:
        yield report
    finally:
        if shown:
            sys.stderr.write("\r\033[K")
