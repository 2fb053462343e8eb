"""Who may log in: people of an OpenID provider, or on one's own machine demo people with a password made at start."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from hub_config.errors import HubConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from hub_config.identity.claims import KnownProposals
    from hub_config.identity.settings import IdentitySettings
    from hub_config.settings import HubSettings

__all__ = ["configure_identity", "demo_people", "make_password"]

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


def configure_identity(
    c: Any, settings: IdentitySettings, *, known_proposals: KnownProposals, state: Path | None = None
) -> None:
    """Let people log in at their institute, and keep asking it who they are. Reads the provider's discovery document.

    Whatever follows in the configuration, the hub checks the settings once more before it listens.

    Parameters
    ----------
    c
        The hub's configuration.
    settings
        The section ``identity:`` of the policy.
    known_proposals
        Identifiers of the proposals whose data are here, or what returns them as they are now.
    state
        Directory for the provider's last document, with which a hub starts again while its provider is down.

    Raises
    ------
    HubConfigError
        The provider cannot be used.
    """
    # Here, not above: the command line takes its passwords from this module and must not load a hub for it.
    from hub_config.identity.authenticator import InstituteAuthenticator
    from hub_config.identity.boot_checks import watch
    from hub_config.identity.provider import discover

    kept = state / "openid-provider.json" if state else None
    provider = discover(settings.issuer, timeout=settings.refresh.timeout, kept=kept)
    a = c.InstituteAuthenticator
    c.JupyterHub.authenticator_class = InstituteAuthenticator
    a.identity = settings
    a.known_proposals = known_proposals
    a.client_id, a.client_secret = settings.client_id, settings.client_secret
    a.authorize_url, a.token_url, a.userdata_url = provider.authorization, provider.token, provider.userinfo
    a.oauth_callback_url = settings.callback_url
    # Who logs out here does so at the institute too: the next person at this screen must not be let in as her.
    a.logout_redirect_url = provider.end_session
    a.login_service = settings.login_name
    a.scope = list(settings.scopes)
    a.extra_authorize_params = dict(settings.authorize_params)
    # A redirect would carry the person's token elsewhere.
    a.http_request_kwargs = {
        "request_timeout": settings.refresh.timeout,
        "connect_timeout": 5,
        "follow_redirects": False,
    }
    _strict(c, settings)
    watch()


def _strict(c: Any, settings: IdentitySettings) -> None:
    """Ask the provider again and again, and let in only whom it says is in a group that may."""
    a = c.InstituteAuthenticator
    a.manage_groups = True
    a.allowed_groups = set(settings.allowed_groups)
    a.admin_groups = {"operators"}
    a.allow_all = a.allow_everybody = settings.allow_everybody
    a.enable_auth_state = a.refresh_pre_spawn = a.auth_refresh_strict = a.enable_pkce = True
    a.auth_refresh_age = settings.refresh.age
    c.CryptKeeper.keys = list(settings.crypt_keys)
    c.JupyterHub.cookie_max_age_days = settings.cookie_days
    c.JupyterHub.token_expires_in_max_seconds = int(settings.token_days * 86400)
