"""How processes are started that know nothing of the program they work for."""

from __future__ import annotations

import sys
from multiprocessing import popen_forkserver
from multiprocessing.context import ForkServerContext, ForkServerProcess
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

__all__ = ["context"]


class _Popen(popen_forkserver.Popen):
    def _launch(self, process_obj: BaseProcess) -> None:
        # A child would import the main module first: a script that indexes without asking for its own name would index
        # again in each of them, and one that was typed in cannot be imported at all.
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            super()._launch(process_obj)  # type: ignore[misc]
        finally:
            sys.modules["__main__"] = main


class _Process(ForkServerProcess):
    @staticmethod
    def _Popen(process_obj: BaseProcess) -> popen_forkserver.Popen:
        return _Popen(process_obj)


class _Context(ForkServerContext):
    Process = _Process


def context(preload: str) -> ForkServerContext:
    """Give a way to start processes by forking a small one that has loaded a module and nothing else.

    That one is started with the first of them and ends with this program.
    """
    found = _Context()
    found.set_forkserver_preload([preload])
    return found
