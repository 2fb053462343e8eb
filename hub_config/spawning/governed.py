"""What every backend's spawner shares: the policy decides, the person chooses among what it leaves her."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tornado.web import HTTPError
from traitlets import Bool, Unicode

from hub_config.access import Access, access_for
from hub_config.audit import record_start, record_stop
from hub_config.people import person_known_to_the_hub, person_signed_in
from hub_config.policy import PolicyError
from hub_config.policy.watching import current_policy
from hub_config.profiles import ChoiceRefused, chosen_profile, form, options_from_form
from hub_config.spawning.failing import StartFailed

if TYPE_CHECKING:
    from jupyterhub.spawner import Spawner as Base

    from hub_config.accounts import Account
    from hub_config.policy import Policy, Profile

else:
    # JupyterHub refuses a spawner that cannot start anything; a backend's class brings its own beside this one.
    from traitlets.config import LoggingConfigurable as Base

__all__ = ["FIRST_NOTEBOOK", "GovernedSpawner"]

FIRST_NOTEBOOK = "tutorials/01-find-look-reduce.ipynb"
START_PAGES = {"lab": "/lab", "desktop": "/desktop/"}


class GovernedSpawner(Base):  # type: ignore[misc]  # JupyterHub ships no types
    """The part of a spawner by which sessions get what the policy grants, and nothing else.

    A backend's class adds `start`; when it runs, `granted` and `profile` hold the decision made for this start.
    """

    policy_file = Unicode(config=True, help="panosc.yaml; read anew when it changed.")
    memberships_of_the_hub = Bool(
        default_value=False, config=True, help="The hub holds the memberships; no provider has to confirm them."
    )

    granted: Access | None = None
    profile: Profile | None = None
    _auth_state: dict[str, Any] | None = None
    _mounted: tuple[str, ...] = ()

    def _options_form_default(self) -> Any:
        return lambda spawner: spawner.choice()

    def _options_from_form_default(self) -> Any:
        return options_from_form

    def _apply_user_options_default(self) -> Any:
        return lambda spawner, options: spawner.decide(options)

    def _auth_state_hook_default(self) -> Any:
        return lambda spawner, auth_state: setattr(spawner, "_auth_state", auth_state)

    def policy(self) -> Policy:
        """Return the policy as it is in the file now.

        Raises
        ------
        HTTPError
            It must not be used; nothing starts until it is corrected.
        """
        try:
            return current_policy(Path(self.policy_file))
        except PolicyError as error:
            self.log.error("%s", error)
            message = "The facility's policy has a fault, so no session is started. Tell the operator."
            raise HTTPError(503, message) from error

    def access(self) -> Access:
        """Decide what the person gets now, from her groups now."""
        groups, now = [group.name for group in self.user.groups], datetime.now(UTC)
        if self.memberships_of_the_hub:
            person = person_known_to_the_hub(self.user.name, groups, now)
        else:
            person = person_signed_in(self.user.name, groups, self._auth_state)
        return access_for(person, self.policy(), now)

    def choice(self) -> str:
        """Return the form that asks which session shall start."""
        before = self.orm_spawner.user_options if self.orm_spawner else None
        return form(self.access(), (before or {}).get("profile") if isinstance(before, dict) else None)

    def decide(self, options: object) -> None:
        """Check the person's choice and set what follows from it. Runs for forms, links and REST calls alike.

        Raises
        ------
        HTTPError
            The choice is none (400) or not hers (403).
        """
        access = self.access()
        try:
            profile = chosen_profile(options, access)
        except ChoiceRefused as refusal:
            raise HTTPError(refusal.status, str(refusal), reason="That cannot be started") from refusal
        self.granted, self.profile, self._mounted = access, profile, access.embargoed
        self.mem_limit, self.cpu_limit = profile.limits.bytes, profile.limits.cpu
        self.default_url = START_PAGES[profile.kind]

    def decided(self) -> tuple[Access, Profile, Account]:
        """Return what was decided about this start, for a backend whose sessions run under the person's numbers.

        Raises
        ------
        StartFailed
            Nothing was decided, or the facility has no numbers for the person.
        """
        if self.granted is None or self.profile is None:
            raise StartFailed("Nothing was decided about this session.", reason="no decision", status_code=500)
        if self.granted.account is None:
            self.log.error("No account for %s: %s", self.user.name, self.granted.no_account)
            message = "This facility has no numeric account for you, so no session can be started. Ask the user office."
            raise StartFailed(message, reason="no account", status_code=403)
        return self.granted, self.profile, self.granted.account

    def begin_with_the_tutorial(self) -> None:
        """Open the first notebook; for a session that makes the person's home."""
        if self.profile is not None and self.profile.kind == "lab":
            self.default_url = f"/lab/tree/{FIRST_NOTEBOOK}"

    def started(self, image: str = "") -> None:
        """Put this start on record; a backend calls it when the session runs."""
        if self.granted is not None and self.profile is not None:
            record_start(self.granted, self.name, self.profile, image)

    def stopped(self) -> None:
        """Put the end on record; a backend calls it when the session is gone."""
        record_stop(self.user.name, self.name)

    def get_state(self) -> dict[str, Any]:
        """Return what must outlive the hub, with the embargoed proposals that this session sees."""
        state: dict[str, Any] = super().get_state()
        return state | ({"panosc_proposals": list(self._mounted)} if self._mounted else {})

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `get_state` kept."""
        super().load_state(state)
        self._mounted = tuple(state.get("panosc_proposals", ()))

    def clear_state(self) -> None:
        """Forget the last session."""
        super().clear_state()
        self._mounted = ()
