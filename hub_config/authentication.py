"""Who may log in. The local deployment knows demo people with a password made at start."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from hub_config.errors import HubConfigError

if TYPE_CHECKING:
    from hub_config.settings import HubSettings

__all__ = ["demo_people", "make_password"]

# JupyterHub's own floors for shared passwords are 8 and 32 characters.
USER_LENGTH, ADMIN_LENGTH = 12, 32
# Without characters that look alike: the password is read from a terminal.
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


def make_password(*, admin: bool = False) -> str:
    """Make a new password, groups of four characters, long enough for its role."""
    length = ADMIN_LENGTH if admin else USER_LENGTH
    letters = "".join(secrets.choice(ALPHABET) for _ in range(length))
    return "-".join(letters[i : i + 4] for i in range(0, length, 4))


def demo_people(c: Any, settings: HubSettings) -> None:
    """Let the named people in with the shared password, and the operators with theirs.

    Raises
    ------
    HubConfigError
        No password: a hub that lets anybody in must not start.
    """
    if not settings.password or not settings.admin_password:
        raise HubConfigError("The local hub has no password. Start it with `panosc-analysis demo` or `make demo`.")
    c.JupyterHub.authenticator_class = "shared-password"
    c.SharedPasswordAuthenticator.user_password = settings.password
    c.SharedPasswordAuthenticator.admin_password = settings.admin_password
    c.Authenticator.allowed_users = set(settings.people)
    c.Authenticator.admin_users = set(settings.operators)
    c.Authenticator.allow_all = False
