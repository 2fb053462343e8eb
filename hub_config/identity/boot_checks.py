"""What a hub must not be started with, checked on the settings as they finally are, whoever wrote them last."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from jupyterhub.app import JupyterHub
from jupyterhub.crypto import CryptKeeper

from hub_config.errors import HubConfigError
from hub_config.identity.addresses import is_safe
from hub_config.identity.authenticator import InstituteAuthenticator

__all__ = ["refuse_weak_settings", "watch", "weaknesses"]

DAY = 86400
# Traits that must have this value, and what happens otherwise.
_FIXED: dict[str, tuple[Any, str]] = {
    "enable_auth_state": (True, "without it nobody is asked again who a person is"),
    "manage_groups": (True, "without it memberships do not reach the hub"),
    "refresh_pre_spawn": (True, "without it a session starts with memberships that have ended"),
    "auth_refresh_strict": (True, "without it a revoked person starts sessions with an old token"),
    "allow_existing_users": (False, "it lets in everybody who was ever here"),
    "userdata_from_id_token": (False, "memberships are not in the ID token, and its signature is not checked"),
    "enable_pkce": (True, "without it a stolen code is a login"),
    "validate_server_cert": (True, "without it anybody can play the provider"),
    "userdata_token_method": ("header", "otherwise tokens get into other servers' logs"),
    "allowed_scopes": ([], "it lets people in without any group"),
}
# Hooks and claims that would take the place of the checked ones.
_REPLACED = (
    "username_claim", "username_key", "claim_groups_key", "auth_state_groups_key", "refresh_user_hook",
    "modify_auth_state_hook", "reconcile_auth_state_hook",
)  # fmt: skip


def watch() -> None:
    """Have the hub that is reading its configuration checked once all of it is read; without one, do nothing."""
    if JupyterHub.initialized():
        # The hub makes its authenticator after the last line of configuration and before it listens.
        JupyterHub.instance().observe(_check, names="authenticator", type="default")


def _check(change: Any) -> None:
    try:
        refuse_weak_settings(change["owner"], change["value"])
    except HubConfigError as error:
        change["owner"].exit(f"The hub was not started. {error}")


def refuse_weak_settings(app: Any, authenticator: Any) -> None:
    """Refuse a hub whose settings let in, or leave in, people whom its operators would not.

    Raises
    ------
    HubConfigError
        All weaknesses, one a line.
    """
    found = list(weaknesses(app, authenticator))
    if found:
        message = "These settings would weaken who is let in:\n- " + "\n- ".join(found)
        raise HubConfigError(f"{message}\nTake them out, or set what panosc.yaml offers for the purpose.")


def weaknesses(app: Any, authenticator: Any) -> Iterator[str]:
    """Yield what is weak, in words; `app` and `authenticator` as they will run."""
    if not isinstance(authenticator, InstituteAuthenticator):
        name = type(authenticator).__name__
        yield f"JupyterHub.authenticator_class is {name}: panosc.yaml has an identity section, and nobody would ask it"
        return
    yield from _fixed(authenticator)
    yield from _gate(authenticator)
    yield from _addresses(authenticator)
    yield from _times(app, authenticator)
    if not CryptKeeper.instance().keys:
        yield "CryptKeeper.keys is empty: the provider's tokens cannot be kept, so nobody could be asked again"
    if os.environ.get("JUPYTERHUB_ALLOW_TOKEN_IN_URL", "0") not in {"", "0"}:
        yield "JUPYTERHUB_ALLOW_TOKEN_IN_URL: tokens in addresses get into histories and logs"


def _fixed(authenticator: Any) -> Iterator[str]:
    for name, (wanted, why) in _FIXED.items():
        value = getattr(authenticator, name)
        if value != wanted:
            yield f"{name} is {value!r}: {why}"
    sections = [
        authenticator.config[cls.__name__]
        for cls in type(authenticator).__mro__
        if cls.__name__ in authenticator.config
    ]
    for name in _REPLACED:
        if any(name in section for section in sections):
            yield f"{name} is set: it would take the place of the checked rules"


def _gate(authenticator: Any) -> Iterator[str]:
    if authenticator.allow_all and not authenticator.allow_everybody:
        yield "allow_all is True: everybody whom the provider knows may log in (if meant: identity.allow_everybody)"
    if not (authenticator.allow_all or authenticator.allowed_groups or authenticator.admin_groups):
        yield "allowed_groups is empty: nobody may log in"


def _addresses(authenticator: Any) -> Iterator[str]:
    for name in ("authorize_url", "token_url", "userdata_url", "oauth_callback_url"):
        if not is_safe(getattr(authenticator, name)):
            yield f"{name} is {getattr(authenticator, name)!r}: tokens and claims would travel openly; use https"


def _times(app: Any, authenticator: Any) -> Iterator[str]:
    if not 0 < authenticator.auth_refresh_age <= 3600:
        yield (
            f"auth_refresh_age is {authenticator.auth_refresh_age}: 0 turns every refresh off, the one before a start "
            "included, and more than an hour leaves revoked people in"
        )
    if not 0 < app.token_expires_in_max_seconds <= 30 * DAY:
        yield f"token_expires_in_max_seconds is {app.token_expires_in_max_seconds}: API tokens must end within 30 days"
    if not 0 < app.cookie_max_age_days <= 14:
        yield f"cookie_max_age_days is {app.cookie_max_age_days}: a login must end within two weeks"
