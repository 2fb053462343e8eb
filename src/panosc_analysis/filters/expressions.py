"""``regexp``: regular expressions that take time in proportion to the text, whoever wrote them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from panosc_analysis.errors import FilterError

__all__ = ["compiled"]

_WITH_FLAGS = re.compile(r"/(.*)/([imsg]*)", re.DOTALL)


@lru_cache(maxsize=256)
def compiled(expression: str) -> Any:
    """Make an expression ready, in the syntax of RE2: no references back, no looking around.

    ``/…/i`` stands for one without regard to case. Needs ``google-re2``: Python's own expressions may take minutes for
    thirty characters.

    Raises
    ------
    FilterError
        It cannot be read or needs too much memory, or ``google-re2`` is not installed.
    """
    try:
        import re2
    except ImportError:
        hint = "Use like or ilike, or install it: pip install 'panosc-analysis[server]'"
        raise FilterError("Regular expressions need google-re2, which is not installed", hint=hint) from None
    options = re2.Options()
    options.log_errors = False
    match = _WITH_FLAGS.fullmatch(expression)
    flags = "".join(sorted(set(match[2]) - {"g"})) if match else ""
    text = match[1] if match else expression
    try:
        return re2.compile(f"(?{flags}){text}" if flags else text, options)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
        raise FilterError(
            f"The regular expression {expression[:60]!r} cannot be used: {reason}",
            hint="Write it as RE2 takes it, or use like with % for any characters",
        ) from error
