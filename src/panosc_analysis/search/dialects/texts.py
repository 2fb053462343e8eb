"""What of a text may be sent: the same text means a pattern to one server, a date to another."""

from __future__ import annotations

import re
import unicodedata

from panosc_analysis.errors import FilterError
from panosc_analysis.model import normal_pid

__all__ = ["longest_run", "may_be_a_date", "run_of_pid"]

_RUN = re.compile(r"[^\W_]+")
_FREE_NUMBER = re.compile(r"(?<![A-Za-z0-9_])\d")
_MONTH = re.compile(r"jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec", re.IGNORECASE)
_PID_START = re.compile(r"\d+\.\d[\d.]{3,}/")


def may_be_a_date(text: str) -> bool:
    """Say whether JavaScript could read a text as a date; true in doubt.

    It reads "scan 1" as a day of 2001, but not "LaB6": a number at a word's start, or a month's name and a number.
    """
    if not any(map(str.isdigit, text)):
        return False
    return bool(_MONTH.search(text)) or (bool(_FREE_NUMBER.search(text)) and not _PID_START.match(text))


def longest_run(text: str, *, no_dates: bool) -> str | None:
    """Give the longest run of ASCII letters and digits of a text or pattern; ``None`` if there is none to be sent.

    Elsewhere the rest would be a regular expression or a wildcard, and letters beyond ASCII are folded differently
    everywhere. A run beside such a letter is not taken: composed otherwise, it would end elsewhere. What stays is a
    stored Kelvin sign or dotted İ, which fold to k and i here and perhaps not there.
    """
    runs = (run for run in _RUN.findall(unicodedata.normalize("NFC", text)) if run.isascii())
    usable = [run for run in runs if not (no_dates and may_be_a_date(run))]
    return max(usable, key=len, default=None)


def run_of_pid(pid: str, *, no_dates: bool) -> str | None:
    """Give a part of a PID that each of its spellings has: DOIs compare without regard to case and resolver."""
    try:
        return longest_run(normal_pid(pid), no_dates=no_dates)
    except FilterError:
        return None
