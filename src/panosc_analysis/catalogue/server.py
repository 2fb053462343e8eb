"""Running the search API on this machine."""

from __future__ import annotations

import gc
import ipaddress
import socket
import threading
from typing import TYPE_CHECKING

from panosc_analysis.errors import CatalogueError
from panosc_analysis.model import convert

if TYPE_CHECKING:
    from pathlib import Path

    from panosc_analysis.catalogue.membership import Membership

__all__ = ["listening_socket", "serve"]


def serve(
    index: Path,
    host: str = "127.0.0.1",
    port: int = 8010,
    *,
    membership: Membership | None = None,
    everything: bool = False,
    plain_http: bool = False,
) -> None:
    """Answer the search API until interrupted; logs to standard error.

    Listens on the loopback interface only, unless `plain_http` is given: tokens and embargoed records do not go over a
    network in the clear. A reverse proxy with TLS may stand before it.

    Parameters
    ----------
    index, membership, everything
        As for `create_app`.
    host
        ``127.0.0.1``, ``::1`` or ``localhost``.
    port
        0 takes a free one.
    plain_http
        Allow another `host`: for a network inside one machine, such as that of its containers.

    Raises
    ------
    CatalogueError
        The index cannot be read, another host, or a port that is taken.
    """
    import uvicorn

    from panosc_analysis.catalogue.app import create_app

    listening = listening_socket(host, port, plain_http=plain_http)
    with listening:
        app = create_app(index, membership, everything=everything)
        # Units take a second to load; nobody should wait for them with her first question.
        threading.Thread(target=convert, args=(1.0, "keV", "eV"), daemon=True).start()
        # What is loaded stays: looking through it again and again for garbage would hold answers up.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False)
        uvicorn.Server(config).run(sockets=[listening])


def listening_socket(host: str, port: int, *, plain_http: bool = False) -> socket.socket:
    """Take a port of the loopback interface, or with `plain_http` of another; the caller closes the socket.

    Raises
    ------
    CatalogueError
        Another host, or a port that is taken.
    """
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        address = None
    if address is None or not (address.is_loopback or plain_http):
        raise CatalogueError(
            f"The search API is not served on {host!r}: tokens would go over the network in the clear",
            hint="Use 127.0.0.1 and put a reverse proxy with TLS before it",
        )
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    # The protocol is named because asyncio turns off Nagle's delay (40 ms for each answer) only where it is.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((str(address), port))
    except (OSError, OverflowError) as error:
        listening.close()
        raise CatalogueError(f"Port {port} cannot be used: {error}", hint="Give another one with --port") from error
    return listening
