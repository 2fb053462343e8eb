"""What operators tell everybody, on every page of the hub; changed while the hub runs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from html import escape
from pathlib import Path

__all__ = ["Announcement", "announce"]


@dataclass(frozen=True)
class Announcement:
    """The text that stands in a file now, as the hub's templates ask for it: empty where there is none.

    Parameters
    ----------
    file
        Text of the operators; read at every page, so a change needs no restart.
    always
        Text that stands before it.
    """

    file: Path
    always: str = ""

    def __bool__(self) -> bool:
        return bool(str(self))

    def __str__(self) -> str:
        try:
            said = self.file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            said = ""
        return "<br>".join(escape(text) for text in (said, self.always) if text)

    # The hub's template marks the text as safe HTML; what is escaped here stays so.
    __html__ = __str__


def announce(file: Path, text: str) -> None:
    """Put `text` on every page of the hub, or take the announcement away if it is empty."""
    if not text.strip():
        file.unlink(missing_ok=True)
        return
    aside = file.with_suffix(".new")
    aside.write_text(text.strip() + "\n", encoding="utf-8")
    os.replace(aside, file)
