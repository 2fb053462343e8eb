"""Start one session inside its container: check that its data cannot be written, prepare the home, become the server.

``python -m hub_config.spawning.container --data /data [--tutorials DIR] -- COMMAND…`` is the first thing that runs in
a container. Whoever made the mounts (Docker, Kubernetes, an operator by hand), a session whose data could be written
does not start. Standard library only: this runs before every session.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from hub_config.spawning.session import SessionRefused, writable_mounts

__all__ = ["prepare"]

MARK = Path(".local/share/panosc-analysis/tutorials-copied")


def prepare(data: Path, home: Path, tutorials: Path | None, mountinfo: str) -> None:
    """Check the mounts and put ``data`` and the tutorials into the home.

    Parameters
    ----------
    data
        Directory below which the data are mounted.
    home
        The person's home.
    tutorials
        Notebooks that a new home gets, once; ``None`` for none.
    mountinfo
        Text of ``/proc/self/mountinfo``.

    Raises
    ------
    SessionRefused
        Something at or below `data` is writable, or the home is not.
    """
    if writable := writable_mounts(data, mountinfo):
        raise SessionRefused(f"Writable below the data directory: {', '.join(writable)}. Ask the operator.")
    if not os.access(home, os.W_OK):
        raise SessionRefused(
            f"The home {home} is not writable for the number {os.getuid()} that this person has now. "
            "Ask the operator to give the home to it."
        )
    link = home / "data"
    if link.is_symlink() and link.readlink() != data:
        link.unlink()
    if not link.is_symlink():
        if link.exists():
            raise SessionRefused(f"{link} is in the place of the facility's data. Move it elsewhere in the home.")
        link.symlink_to(data)
    if tutorials and tutorials.is_dir() and not (home / MARK).exists():
        if not (home / "tutorials").exists():
            shutil.copytree(tutorials, home / "tutorials", copy_function=shutil.copyfile)
        (home / MARK).parent.mkdir(parents=True, exist_ok=True)
        (home / MARK).touch()


def main(argv: list[str]) -> None:
    """Prepare, then become the command."""
    options, command = argv[1 : argv.index("--")], argv[argv.index("--") + 1 :]
    named = dict(zip(options[::2], options[1::2], strict=True))
    tutorials = Path(named["--tutorials"]) if "--tutorials" in named else None
    mountinfo = Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    prepare(Path(named["--data"]), Path.home(), tutorials, mountinfo)
    os.execvp(command[0], command)


if __name__ == "__main__":
    try:
        main(sys.argv)
    except (SessionRefused, OSError) as error:
        sys.exit(f"The session was not started. {error}")
