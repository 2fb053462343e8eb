"""Addresses that secrets may be sent to."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from hub_config.errors import HubConfigError

__all__ = ["check_address", "is_safe"]


def is_safe(address: str) -> bool:
    """Whether `address` is https, or plain http to this machine itself."""
    parts = urlsplit(address)
    if parts.scheme == "https" and parts.hostname:
        return True
    if parts.scheme != "http" or not parts.hostname:
        return False
    try:
        return parts.hostname == "localhost" or ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        return False


def check_address(address: str, key: str) -> str:
    """Return `address` if secrets may be sent there.

    Raises
    ------
    HubConfigError
        It is neither https nor on this machine.
    """
    if not is_safe(address):
        raise HubConfigError(f"{key}: {address} is not https. Tokens and claims would travel openly; use https.")
    return address
