"""Login and refresh: who is in, with which groups, and for how long without the provider's word.

Every refresh passes the same gate as a login. Three answers are told apart: a good one counts at once, a refusal ends
access and memberships at once, and no answer leaves running work alone for a bounded time.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from weakref import WeakValueDictionary

from jupyterhub import roles
from tornado import web
from traitlets import Any as AnyValue
from traitlets import Bool

from hub_config.errors import HubConfigError
from hub_config.identity.alarms import REFRESHES, alarm, report
from hub_config.identity.asking import AskingAuthenticator, ClaimsRefused, ProviderRefused, ProviderUnavailable
from hub_config.identity.claims import ClaimReader, UserNameRefused
from hub_config.identity.facts import FACTS, facts, groups_of, last_good_refresh
from hub_config.identity.outages import Outages
from hub_config.identity.rounds import Rounds
from hub_config.memberships import Memberships, SourceUnavailable

__all__ = ["InstituteAuthenticator"]

UNAVAILABLE = (
    "The login service of your institute does not answer. Sessions that are running go on. "
    "Please try again in a few minutes."
)
REFUSED = "The login service did not confirm this login. Please go back to the start page and log in again."
NOBODY = (
    "You logged in, but your institute did not send a usable identifier for you, so this hub cannot let you in. "
    "Please ask its operators and say which institute you chose."
)
NOT_ALLOWED = (
    "You logged in, but your account is in none of the groups that may use this hub. If you are member of a proposal "
    "here, please ask the user office to add you."
)


class LoginExpired(Exception):
    """The access token is no longer good and there is nothing to renew it with. That is no refusal."""


class InstituteAuthenticator(AskingAuthenticator):
    """Logs people in at their institute's OpenID provider and keeps asking it who they are."""

    identity = AnyValue(config=True, help="The hub's IdentitySettings.")
    known_proposals = AnyValue((), config=True, help="Identifiers of the proposals whose data are here, or who says.")
    allow_everybody = Bool(default_value=False, config=True, help="Says that allow_all is meant.")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.outages = Outages()
        self._newest: dict[str, dict[str, Any]] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        if self.identity is not None:
            self.reader = ClaimReader(self.identity, self.known_proposals)
            self.sources = Memberships(self.identity.sources)

    def get_handlers(self, app: Any) -> list[Any]:
        """Return the addresses of login and logout; with them, the rounds begin."""
        self._rounds = asyncio.create_task(Rounds(self, app.users).run())
        return list(super().get_handlers(app))

    # From tokens to a person

    def user_info_to_username(self, user_info: dict[str, Any]) -> str:
        """Return the user name, without ever logging the claims."""
        return self.reader.user_name(user_info)

    async def build_auth_state_dict(self, token_info: dict[str, Any], user_info: dict[str, Any]) -> dict[str, Any]:
        """Return what is kept, encrypted: the tokens and what the hub needs to know, but not the claims."""
        name = self.reader.user_name(user_info)
        person = self.reader.person(user_info, await self.sources.proposals_of(name, user_info))
        report(self.log, name, person)
        return {
            "token_response": token_info,
            "refresh_token": token_info.get("refresh_token"),
            "scope": str(token_info.get("scope", "")).split(),
            "display_name": self.reader.display_name(user_info),
            FACTS: facts(person, datetime.now(UTC)),
        }

    async def get_user_groups(self, auth_state: dict[str, Any]) -> set[str]:
        """Return the hub groups that the claims gave."""
        return set(groups_of(auth_state))

    async def update_auth_model(self, auth_model: dict[str, Any]) -> dict[str, Any]:
        """Add the name that people read."""
        if shown := auth_model["auth_state"].get("display_name"):
            auth_model["user_info"] = {"name": shown, "display_name": shown}
        return auth_model

    # Login

    async def authenticate(self, handler: Any, data: Any = None, **kwargs: Any) -> dict[str, Any] | None:
        """Log somebody in; every failure becomes a page that says what to do."""
        try:
            model: dict[str, Any] | None = await super().authenticate(handler, data, **kwargs)
        except (ProviderUnavailable, SourceUnavailable, HubConfigError) as error:
            self.log.error("A login failed: %s", error)
            raise web.HTTPError(503, UNAVAILABLE, reason="Login is not possible now") from error
        except ProviderRefused as error:
            self.log.warning("A login failed: the provider %s", error)
            raise web.HTTPError(403, REFUSED, reason="Login was not confirmed") from error
        except (UserNameRefused, ClaimsRefused) as error:
            alarm(self.log, "login", f"a login was refused: {error}")
            raise web.HTTPError(403, NOBODY, reason="Your institute does not say who you are") from error
        if model is not None:
            self._newest.pop(model["name"], None)
            self.outages.over(model["name"])
        return model

    async def check_allowed(self, username: str, auth_model: dict[str, Any]) -> bool:
        """Let somebody in who is in an allowed group, and tell everybody else why not."""
        if not await self._is_allowed(username, auth_model):
            self.log.warning("%s is in no group that may use this hub.", username)
            raise web.HTTPError(403, NOT_ALLOWED, reason="This account may not use the hub")
        return True

    async def _is_allowed(self, username: str, auth_model: dict[str, Any]) -> bool:
        return bool(self.allow_all or await super().check_allowed(username, auth_model))

    # Refresh

    async def refresh_user(self, user: Any, handler: Any = None, **kwargs: Any) -> bool | dict[str, Any]:
        """Ask the provider again about somebody who is logged in.

        One question at a time for each person: a refresh token that is used twice looks stolen to the provider.

        Returns
        -------
        bool or dict
            The new state; ``True`` to go on with the last known one; ``False`` if a new login is needed.
        """
        # JupyterHub 6.1.1 reads this of a handler that a cookie let in, where nobody set it: a start ended in 500.
        if handler is not None and not hasattr(handler, "_token_authenticated"):
            handler._token_authenticated = False
        lock = self._locks.setdefault(user.name, asyncio.Lock())
        async with lock:
            outcome, result = await self._refresh(user, handler)
        REFRESHES.labels(outcome=outcome).inc()
        return result

    async def _refresh(self, user: Any, handler: Any) -> tuple[str, bool | dict[str, Any]]:
        auth_state = self._newest.get(user.name) or await user.get_auth_state()
        if not auth_state or not auth_state.get("token_response"):
            # Nothing is known of her, so nothing confirms what she is member of either.
            if self.outages.failed(user.name) > self.identity.refresh.unverified:
                self.keep_groups(user, set())
            return "no login", False
        try:
            model = await self._ask(user, auth_state, handler)
        except (ProviderUnavailable, SourceUnavailable, HubConfigError) as error:
            return "unavailable", self._go_on(user, auth_state, error)
        except LoginExpired:
            self.log.info("The login of %s has expired and cannot be renewed.", user.name)
            self._end_what_nobody_confirms(user, auth_state)
            return "expired", False
        except ProviderRefused as error:
            alarm(self.log, "refused", f"the provider ended the login of {user.name}: it {error}")
            self.keep_groups(user, set())
            await self._keep(user, None)
            return "refused", False
        except (UserNameRefused, ClaimsRefused) as error:
            alarm(self.log, "answer", f"{user.name} loses all memberships: {error}")
            self.keep_groups(user, set())
            return "refused", False
        self.outages.over(user.name)
        if not await self._may_stay(model):
            self.log.warning("%s is no longer in any group that may use this hub.", user.name)
            self.keep_groups(user, set(model["groups"]))
            return "not allowed", False
        self._newest[user.name] = model["auth_state"]
        return "good", model

    async def _ask(self, user: Any, auth_state: dict[str, Any], handler: Any) -> dict[str, Any]:
        """Ask with the access token, or with a new one if that is no longer good."""
        try:
            model = await self._token_to_auth_model(auth_state["token_response"])
        except ProviderRefused:
            if not auth_state.get("refresh_token"):
                raise LoginExpired from None
            tokens = await self._renewed(auth_state, handler)
            # At once, whatever comes: the old ones have been used, and would look stolen the next time.
            await self._keep(user, auth_state | {"token_response": tokens, "refresh_token": tokens["refresh_token"]})
            model = await self._asked_with_new_tokens(tokens)
        if model["name"] != user.name:
            raise ClaimsRefused("the answer is about another account")
        return dict(model)

    async def _renewed(self, auth_state: dict[str, Any], handler: Any) -> dict[str, Any]:
        """Return new tokens; only the provider's word that the grant has ended counts as a refusal."""
        params = self.build_refresh_token_request_params(auth_state["refresh_token"])
        try:
            tokens = await self.get_token_info(handler, params)
        except ProviderRefused as error:
            if error.error == "invalid_grant":
                raise
            alarm(self.log, "client", f"the provider refuses this hub as a client: it {error}")
            raise ProviderUnavailable(f"the provider {error}") from error
        # A provider may leave out what has not changed.
        kept = {"refresh_token": auth_state["refresh_token"], "id_token": auth_state["token_response"].get("id_token")}
        return kept | {key: value for key, value in tokens.items() if value is not None}

    async def _asked_with_new_tokens(self, tokens: dict[str, Any]) -> Any:
        try:
            return await self._token_to_auth_model(tokens)
        except ProviderRefused as error:
            # Token given, token refused: whoever says that is not a provider that knows of a revocation.
            raise ProviderUnavailable(f"the provider refuses a token that it has just given: it {error}") from error

    async def _keep(self, user: Any, auth_state: dict[str, Any] | None) -> None:
        """Store a state that the hub would not store by itself; without one, nobody asks with dead tokens again."""
        self._newest.pop(user.name, None)
        await user.save_auth_state(auth_state)

    async def _may_stay(self, model: dict[str, Any]) -> bool:
        blocked = not self.check_blocked_users(model["name"], model)
        return not blocked and await self._is_allowed(model["name"], model)

    def _go_on(self, user: Any, auth_state: dict[str, Any], error: Exception) -> bool:
        """Decide whether somebody about whom nobody can be asked goes on with the last known groups."""
        lasting = self.outages.failed(user.name)
        confirmed = self._end_what_nobody_confirms(user, auth_state)
        going_on = confirmed and lasting < self.identity.refresh.grace
        what = "goes on with the last known groups" if going_on else "must log in again"
        self.log.warning("%s %s: %s", user.name, what, error)
        return going_on

    def _end_what_nobody_confirms(self, user: Any, auth_state: dict[str, Any]) -> bool:
        """End memberships that no good answer has confirmed for too long; returns whether they still hold."""
        last = last_good_refresh(auth_state)
        age = (datetime.now(UTC) - last).total_seconds() if last else float("inf")
        if age <= self.identity.refresh.unverified:
            return True
        alarm(self.log, "unverified", f"memberships of {user.name} end: unconfirmed for {age / 3600:.1f} h")
        self.keep_groups(user, set())
        return False

    def keep_groups(self, user: Any, groups: set[str]) -> None:
        """Store groups and the rights that follow; the hub itself does so only after a good answer to a request."""
        user.sync_groups(sorted(groups))
        admin = user.name in self.admin_users or bool(groups & self.admin_groups)
        if user.admin != admin:
            user.admin = admin
            roles.assign_default_roles(user.db, entity=user.orm_user)
            user.db.commit()
