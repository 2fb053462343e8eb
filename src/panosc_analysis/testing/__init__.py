"""For tests of clients and servers of the search API: real servers on this machine that stand for others.

`serve` runs an application; `Replay` answers what was recorded; `implementations` answer over records with the habits
of the implementations in use; `hostile` answers as nobody should. Nothing else in the package uses this room.
"""

from __future__ import annotations

from panosc_analysis.testing.replay import Replay
from panosc_analysis.testing.server import Answer, Request, Server, json_answer, serve

__all__ = ["Answer", "Replay", "Request", "Server", "json_answer", "serve"]
