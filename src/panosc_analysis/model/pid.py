"""Persistent identifiers: one written form, one comparison, one way into an address.

A PID is ``prefix/suffix``; the suffix may hold more slashes. DOIs compare without regard to case, other PIDs exactly.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from urllib.parse import quote, unquote

from panosc_analysis.errors import FilterError

__all__ = ["landing_page", "normal_pid", "pid_key", "quote_pid", "same_pid"]

LONGEST_PID = 500
_RESOLVER = re.compile(r"https?://(?:dx\.)?(?:doi\.org|hdl\.handle\.net)/", re.IGNORECASE)
_SCHEME = re.compile(r"(?:doi|hdl):\s*/{0,2}", re.IGNORECASE)
_DOI = re.compile(r"10\.\d{4,9}/[!-~]{1,200}")


def normal_pid(text: str) -> str:
    """Write a PID as ``prefix/suffix``, without ``doi:``, ``hdl:`` or a resolver's address.

    Does not ask anybody whether it exists, and keeps upper and lower case as given (see `pid_key`).

    Raises
    ------
    FilterError
        Empty, longer than 500 characters, with spaces or control characters, or ``.`` and ``..``.
    """
    pid = text.strip()
    resolver = _RESOLVER.match(pid)
    if resolver:
        pid = unquote(pid[resolver.end() :])
    else:
        scheme = _SCHEME.match(pid)
        pid = pid[scheme.end() :] if scheme else pid
    if pid in {"", ".", ".."} or len(pid) > LONGEST_PID or any(map(_never_in_a_pid, pid)):
        raise FilterError(f"{_shortened(text)!r} is not a PID", hint="Give prefix/suffix, for example 10.5072/ab-123")
    return pid


@lru_cache(maxsize=8192)
def pid_key(pid: str) -> str:
    """Give one string for all spellings of one PID: for sets and dictionaries, not for display.

    Never raises: what is no PID is its own key.
    """
    try:
        normal = normal_pid(pid)
    except FilterError:
        return pid
    return normal.lower() if _DOI.fullmatch(normal) else normal


def same_pid(one: str, other: str) -> bool:
    """Say whether two spellings name the same object."""
    return one == other or pid_key(one) == pid_key(other)


def quote_pid(pid: str) -> str:
    """Percent-encode a PID once for use as one segment of a path: ``/`` becomes ``%2F``.

    Raises
    ------
    FilterError
        The text is not a PID.
    """
    return quote(normal_pid(pid), safe="")


def landing_page(pid: str) -> str | None:
    """Give the page behind a DOI, always at ``https://doi.org``.

    ``None`` for a PID that is no DOI, and for the prefix 10.5072, which is for tests and leads nowhere.
    """
    key = pid_key(pid)
    if not _DOI.fullmatch(key) or key.startswith("10.5072/"):
        return None
    return f"https://doi.org/{quote(normal_pid(pid), safe='/')}"


def _never_in_a_pid(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) in {"Cc", "Cf", "Cs"}


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:40]}…{text[-16:]}"
