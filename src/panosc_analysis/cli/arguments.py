"""Arguments and output that several commands share."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any

from panosc_analysis.settings import DataRoot, Settings, load_settings, provider_from

__all__ = ["Commands", "add_json", "add_sources", "numbers", "print_json", "settings_from", "styled"]

Commands = Any  # argparse's own type of a sub-parser collection is private


def add_sources(parser: argparse.ArgumentParser) -> None:
    """Let the command say where to search and where data lie, instead of the settings."""
    sources = parser.add_argument_group("sources, instead of those in the settings file")
    sources.add_argument(
        "--provider",
        metavar="URL",
        action="append",
        help="search API to ask, as URL or DIALECT+URL; may be given again",
    )
    sources.add_argument("--root", metavar="DIR", action="append", help="directory below which data lie")


def settings_from(arguments: argparse.Namespace) -> Settings:
    """Return the settings, with what the command line says in their place."""
    settings = load_settings()
    if arguments.provider:
        named = [url.partition("=") if "=" in url.partition("//")[0] else ("", "", url) for url in arguments.provider]
        providers = tuple(
            provider_from(name or f"provider {i}", url, "--provider") for i, (name, _, url) in enumerate(named, 1)
        )
        settings = dataclasses.replace(settings, providers=providers)
    if arguments.root:
        roots = tuple(DataRoot(Path(root).expanduser()) for root in arguments.root)
        settings = dataclasses.replace(settings, roots=roots)
    return settings


def add_json(parser: argparse.ArgumentParser) -> None:
    """Offer output for programs."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def print_json(value: object) -> None:
    """Print one JSON object for programs, never NaN or Infinity."""
    print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=str))


def numbers(text: str) -> tuple[float | None, float | None]:
    """Read ``8:12``, ``8:``, ``:12`` or ``8``; for argparse.

    Raises
    ------
    argparse.ArgumentTypeError
        Something else.
    """
    low, colon, high = text.partition(":")
    try:
        first = float(low) if low else None
        second = (float(high) if high else None) if colon else first
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a range; write for example 8:12") from None
    if first is None and second is None:
        raise argparse.ArgumentTypeError("an empty range; write for example 8:12")
    return first, second


def styled(text: str, code: str) -> str:
    """Return `text` in an ANSI style on a terminal, and as it is elsewhere or where ``NO_COLOR`` is set."""
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        return f"\033[{code}m{text}\033[0m"
    return text
