"""Start one session so that exactly its data are below ``~/data``, and cannot be written there.

``python -m hub_config.spawning.session --data DIR -- COMMAND…`` reads the mounts from ``$PANOSC_MOUNTS`` (JSON: a list
of ``{"source", "name"}``), gives this process a mount namespace of its own, binds each source read-only below DIR,
checks ``/proc/self/mountinfo`` and becomes COMMAND. It needs neither root nor a set-uid program: an ordinary account
gets the right to mount from a user namespace, and loses it again when COMMAND starts.

Where the kernel has no such namespaces, links take the place of the binds and only file modes protect the data; if
those do not either, the session is refused. Standard library only: this runs before every session.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from pathlib import Path

from hub_config.spawning.mounted import mount_points

__all__ = ["Mounts", "SessionRefused", "can_mount", "link", "mount_read_only", "writable_mounts"]

MOUNTS = "PANOSC_MOUNTS"

# From linux/sched.h, linux/mount.h, linux/prctl.h, linux/capability.h.
_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_SYS_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE, _MOUNT_ATTR_RDONLY = 442, -100, 0x8000, 1
_PR_CAPBSET_DROP, _CAP_SYS_ADMIN = 24, 21

Mounts = list[tuple[Path, str]]


class SessionRefused(Exception):
    """The session would see data that are not hers, or could write to them."""


class _MountAttr(ctypes.Structure):
    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


def _call(what: str, result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _enter_namespace(libc: ctypes.CDLL) -> None:
    """Give this process mounts of its own; as an ordinary account through a user namespace that maps only itself."""
    uid, gid = os.getuid(), os.getgid()
    if uid == 0:
        _call("unshare", libc.unshare(_CLONE_NEWNS))
    else:
        _call("unshare", libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNS))
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    _call("make mounts private", libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None))


def mount_read_only(data: Path, mounts: Mounts) -> None:
    """Bind `mounts` below `data`, read-only with everything mounted below them, for this process and its children.

    `data` itself becomes a read-only tmpfs, so that nothing of an earlier session shows through.

    Raises
    ------
    OSError
        The kernel does not allow it; nothing of the session has been started.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    _enter_namespace(libc)
    _call("mount", libc.mount(b"tmpfs", os.fsencode(data), b"tmpfs", 0, b"mode=755,size=1m"))
    for source, name in mounts:
        target = data / name
        target.mkdir()
        _call(f"bind {source}", libc.mount(os.fsencode(source), os.fsencode(target), None, _MS_BIND | _MS_REC, None))
    attributes = _MountAttr(_MOUNT_ATTR_RDONLY, 0, 0, 0)
    size = ctypes.sizeof(attributes)
    arguments = (_SYS_MOUNT_SETATTR, _AT_FDCWD, os.fsencode(data), _AT_RECURSIVE, ctypes.byref(attributes), size)
    _call("make the data read-only", libc.syscall(*arguments))
    if os.getuid() == 0:
        # root keeps its capabilities over exec; without this one it cannot remount the data writable.
        _call("drop CAP_SYS_ADMIN", libc.prctl(_PR_CAPBSET_DROP, _CAP_SYS_ADMIN, 0, 0, 0))


def writable_mounts(data: Path, mountinfo: str) -> list[str]:
    """Mount points at or below `data` that lack ``ro`` in the text of a ``/proc/<pid>/mountinfo``."""
    return [
        str(point)
        for point, options in mount_points(mountinfo)
        if (point == data or data in point.parents) and "ro" not in options
    ]


def link(data: Path, mounts: Mounts) -> None:
    """Fill `data` with links to `mounts`, for systems without mount namespaces.

    Raises
    ------
    SessionRefused
        A source is writable for this account: its file modes would not protect it.
    """
    for source, _ in mounts:
        if os.access(source, os.W_OK):
            raise SessionRefused(
                f"{source} would be writable: this system allows no mount namespaces and the directory's modes allow "
                "writing. Run the hub as an ordinary account that does not own the data, or make the data read-only."
            )
    data.chmod(0o755)
    for old in data.iterdir():
        if not old.is_symlink():
            raise SessionRefused(f"{old} is in the place of the facility's data. Move it elsewhere in the home.")
        old.unlink()
    for source, name in mounts:
        (data / name).symlink_to(source)
    data.chmod(0o555)


def can_mount() -> bool:
    """Whether this account may mount in a namespace of its own. Tries it in a child process."""
    child = os.fork()
    if child == 0:
        try:
            _enter_namespace(ctypes.CDLL(None, use_errno=True))
            os._exit(0)
        except (OSError, AttributeError):
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def main(argv: list[str]) -> None:
    """Prepare the data directory, check it, become the command."""
    data, command = Path(argv[argv.index("--data") + 1]).resolve(), argv[argv.index("--") + 1 :]
    mounts = [(Path(m["source"]), str(m["name"])) for m in json.loads(os.environ.pop(MOUNTS, "[]"))]
    for source, _ in mounts:
        if not source.is_dir():
            raise SessionRefused(f"The data directory {source} is not there. Ask the operator to mount it.")
    data.mkdir(parents=True, exist_ok=True)
    if can_mount():
        mount_read_only(data, mounts)
        writable = writable_mounts(data, Path("/proc/self/mountinfo").read_text(encoding="utf-8"))
        if writable:
            raise SessionRefused(f"Writable below the data directory: {', '.join(writable)}. Ask the operator.")
    else:
        link(data, mounts)
    os.execvp(command[0], command)


if __name__ == "__main__":
    try:
        main(sys.argv)
    except (SessionRefused, OSError) as error:
        sys.exit(f"The session was not started. {error}")
