"""What stops a hub from starting, said to its operator."""

from __future__ import annotations

__all__ = ["HubConfigError"]


class HubConfigError(ValueError):
    """A setting, a registry or a machine with which a hub must not be started.

    The message says what is wrong and ends with what to do.
    """
