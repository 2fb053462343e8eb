"""``panosc-analysis search``: find datasets by what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from panosc_analysis.cli.arguments import Commands, add_json, add_sources, numbers, print_json, settings_from

if TYPE_CHECKING:
    import argparse

EXAMPLE = 'example: panosc-analysis search "LaB6" --technique "powder diffraction" --photon-energy 30:50'
NAMES = ("technique", "photon_energy", "wavelength", "temperature", "instrument", "facility", "proposal", "sample")


def add_command(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("search", help="find datasets by what they are", epilog=EXAMPLE)
    parser.set_defaults(run=run)
    parser.add_argument("text", nargs="?", help="words in titles, sample and instrument names")
    parser.add_argument("--technique", metavar="NAME", help="name, abbreviation or PaNET code: SAXS, XRF, PaNET01188")
    parser.add_argument("--photon-energy", metavar="A:B", type=numbers, help="range in keV, such as 8:12")
    parser.add_argument("--wavelength", metavar="A:B", type=numbers, help="range in angstrom")
    parser.add_argument("--temperature", metavar="A:B", type=numbers, help="range of the sample's temperature in K")
    parser.add_argument("--instrument", metavar="NAME", help="instrument or beamline")
    parser.add_argument("--facility", metavar="NAME", help="facility")
    parser.add_argument("--proposal", metavar="ID", help="proposal")
    parser.add_argument("--sample", metavar="NAME", help="sample")
    parser.add_argument("--public", action="store_true", default=None, help="only open data")
    parser.add_argument("--since", metavar="DATE", help="measured on this day or later (2026-05-01)")
    parser.add_argument("--until", metavar="DATE", help="measured on this day or earlier")
    parser.add_argument("--limit", metavar="N", type=int, default=25, help="at most so many datasets (default: 25)")
    add_json(parser)
    add_sources(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the datasets found and the outcome of each provider; 1 if no provider gave an answer."""
    from panosc_analysis.search import search

    given: dict[str, Any] = {n: getattr(arguments, n) for n in (*NAMES, "public", "since", "until", "limit")}
    query = {name: value for name, value in given.items() if value is not None}
    hits = search(settings_from(arguments), text=arguments.text, **query)
    if arguments.json:
        print_json(hits.to_json())
    else:
        print(hits)
    return 0 if any(outcome.answered for outcome in hits.outcomes) else 1
