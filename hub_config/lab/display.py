"""How long nobody has touched the keyboard or mouse of this session's desktop, asked of its X server."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
from functools import cache
from pathlib import Path

__all__ = ["seconds_since_input"]

SOCKETS = Path("/tmp/.X11-unix")  # noqa: S108 - where every X server puts its sockets


class _Info(ctypes.Structure):
    """``XScreenSaverInfo`` of X11/extensions/scrnsaver.h."""

    _fields_ = (
        ("window", ctypes.c_ulong),
        ("state", ctypes.c_int),
        ("kind", ctypes.c_int),
        ("til_or_since", ctypes.c_ulong),
        ("idle", ctypes.c_ulong),
        ("event_mask", ctypes.c_ulong),
    )


def seconds_since_input() -> float | None:
    """Return the seconds since the last key or pointer event on this account's displays; ``None`` without one."""
    libraries = _libraries()
    if libraries is None:
        return None
    idle = [one for one in (_idle(*libraries, name) for name in _displays()) if one is not None]
    return min(idle) if idle else None


@cache
def _libraries() -> tuple[ctypes.CDLL, ctypes.CDLL] | None:
    names = ctypes.util.find_library("X11"), ctypes.util.find_library("Xss")
    if None in names:
        return None
    x11, xss = (ctypes.CDLL(name) for name in names)
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XOpenDisplay.argtypes = [ctypes.c_char_p]
    x11.XDefaultRootWindow.restype = ctypes.c_ulong
    x11.XDefaultRootWindow.argtypes = [ctypes.c_void_p]
    x11.XCloseDisplay.argtypes = [ctypes.c_void_p]
    xss.XScreenSaverQueryInfo.argtypes = [ctypes.c_void_p, ctypes.c_ulong, ctypes.POINTER(_Info)]
    return x11, xss


def _displays() -> list[bytes]:
    try:
        mine = [one for one in SOCKETS.iterdir() if one.stat().st_uid == os.getuid()]
    except OSError:
        return []
    return [b":" + one.name[1:].encode() for one in mine if one.name[1:].isdigit()]


def _idle(x11: ctypes.CDLL, xss: ctypes.CDLL, name: bytes) -> float | None:
    display = x11.XOpenDisplay(name)
    if not display:
        return None
    try:
        info = _Info()
        answered = xss.XScreenSaverQueryInfo(display, x11.XDefaultRootWindow(display), ctypes.byref(info))
        return info.idle / 1000 if answered else None
    finally:
        x11.XCloseDisplay(display)
