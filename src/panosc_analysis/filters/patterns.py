"""``like``: a pattern found anywhere in a text, in time proportional to the text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

__all__ = ["contains", "folded"]


def contains(text: str, pattern: str, *, ignore_case: bool) -> bool:
    r"""Say whether a pattern is found somewhere in a text.

    ``%`` stands for any characters, ``_`` for one, ``\%`` and ``\_`` for themselves; everything else is literal. The
    pattern need not cover the text: ``SAXS`` and ``%SAXS%`` ask the same. Both sides are compared in Unicode's composed
    form; ``ß`` and ``ss`` differ.
    """
    text = folded(text) if ignore_case else _composed(text)
    start = 0
    for segment in _segments(pattern, ignore_case):
        if isinstance(segment, str):
            found = text.find(segment, start)
            start = found + len(segment)
        else:
            match = segment.search(text, start)
            found, start = (match.start(), match.end()) if match else (-1, 0)
        if found < 0:
            return False
    return True


def folded(text: str) -> str:
    """Write a text as it is compared where upper and lower case are the same."""
    return _composed(text).lower()


def _composed(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


@lru_cache(maxsize=512)
def _segments(pattern: str, ignore_case: bool) -> tuple[str | re.Pattern[str], ...]:
    """Cut a pattern at its ``%``; a segment with ``_`` has a fixed length, so its expression cannot backtrack."""
    return tuple(_segment(part) for part in _parts(folded(pattern) if ignore_case else _composed(pattern)) if part)


def _parts(pattern: str) -> Iterator[list[str | None]]:
    """Segments as characters, ``None`` for the one that may be any."""
    part: list[str | None] = []
    characters = iter(pattern)
    for character in characters:
        if character == "%":
            yield part
            part = []
        elif character == "\\":
            part.append(next(characters, "\\"))
        else:
            part.append(None if character == "_" else character)
    yield part


def _segment(part: list[str | None]) -> str | re.Pattern[str]:
    if None not in part:
        return "".join(character or "" for character in part)
    return re.compile("".join("." if character is None else re.escape(character) for character in part), re.DOTALL)
