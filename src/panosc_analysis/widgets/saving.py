"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from panosc_analysis.errors import SaveError

__all__ = ["write_whole"]


def write_whole(target: Path, content: bytes) -> Path:
    """Write a file; an existing one is replaced, and only by a complete one.

    Raises
    ------
    SaveError
        The file cannot be written; an existing one is intact.
    """
    aside = None
    try:
        with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
            aside = Path(file.name)
            file.write(content)
        umask = os.umask(0)
        os.umask(umask)
        aside.chmod(0o666 & ~umask)
        aside.replace(target)
    except OSError as error:
        if aside is not None:
            aside.unlink(missing_ok=True)
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise SaveError(
            f"{target} cannot be written ({reason})",
            hint="Choose a directory that exists, that you may write to and that has space left",
            path=str(target),
        ) from error
    return target
