"""Which session a person asked for: the form, the link and the REST call all end in one checked choice."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub_config.access import Access
    from hub_config.policy import Profile

__all__ = ["ChoiceRefused", "chosen_profile", "form", "options_from_form"]


class ChoiceRefused(ValueError):
    """A choice that must not be carried out; `status` is the HTTP status that fits."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def chosen_profile(options: object, access: Access) -> Profile:
    """Return the profile that `options` asks for, or the first one she may have. `options` is arbitrary JSON.

    Nothing but the profile's name can be chosen: neither an image nor a mount nor a number.

    Raises
    ------
    ChoiceRefused
        Something else than a profile's name, an unknown profile (400), or one she may not have (403).
    """
    if not isinstance(options, dict) or any(key != "profile" for key in options):
        raise ChoiceRefused('Only a profile can be chosen: {"profile": "…"}.', 400)
    if not access.profiles:
        raise ChoiceRefused("No kind of session is open to your groups. Ask the operator which group you need.", 403)
    wanted = options.get("profile")
    if wanted is None:
        return access.profiles[0]
    names = ", ".join(one.name for one in access.profiles)
    if not isinstance(wanted, str):
        raise ChoiceRefused(f"A profile is named by a text: one of {names}.", 400)
    for profile in access.profiles:
        if profile.name == wanted:
            return profile
    for refusal in access.refused_profiles:
        if refusal.name == wanted:
            raise ChoiceRefused(f"The profile {wanted} is {refusal.reason}. You may choose {names}.", 403)
    raise ChoiceRefused(f"There is no profile of that name. You may choose {names}.", 400)


def options_from_form(form_data: Mapping[str, list[Any]]) -> dict[str, Any]:
    """Turn what a form or a link's ``opt-…`` arguments sent into options; nothing but its XSRF token is dropped."""
    return {
        key: value[0] if isinstance(value, list) and len(value) == 1 else value
        for key, value in form_data.items()
        if key != "_xsrf"
    }


def form(access: Access, selected: str | None = None) -> str:
    """Return the HTML of the choice, with what the session will see; empty where there is nothing to choose.

    Parameters
    ----------
    access
        What the person gets.
    selected
        Name of the profile chosen last time.
    """
    if len(access.profiles) == 1:
        return ""
    names = [one.name for one in access.profiles]
    first = selected if selected in names else names[0] if names else None
    choices = "\n".join(_choice(one, checked=one.name == first) for one in access.profiles)
    closed = "".join(f"<li>{escape(r.name)}: {escape(r.reason)}</li>" for r in access.refused_profiles)
    closed = (
        f'<details class="panosc-closed"><summary>Not open to you</summary><ul>{closed}</ul></details>'
        if closed
        else ""
    )
    return f"""<style>{STYLE}</style>
<fieldset class="panosc-profiles"><legend>What shall start?</legend>
{choices}
</fieldset>
{closed}
{_data(access)}"""


def _choice(profile: Profile, *, checked: bool) -> str:
    name = escape(profile.name, quote=True)
    described = f"<span>{escape(profile.description)}</span>" if profile.description else ""
    return (
        f'<label><input type="radio" name="profile" value="{name}"{" checked" if checked else ""}>'
        f"<strong>{escape(profile.title)}</strong>{described}<small>{escape(str(profile.limits))}</small></label>"
    )


def _data(access: Access) -> str:
    """Say which data the session will see, before it starts."""
    if not access.mounts:
        return "<p>No data are open to you. If you expect some, ask the user office about your memberships.</p>"
    rows = "".join(f"<li><code>{escape(m.name)}</code> {escape(m.reason)}</li>" for m in access.mounts[:MANY])
    more = f"<li>and {len(access.mounts) - MANY} more</li>" if len(access.mounts) > MANY else ""
    return f'<p>It will see these data, read-only, in <code>~/data</code>:</p><ul class="panosc-data">{rows}{more}</ul>'


MANY = 12
STYLE = """
.panosc-profiles{border:0;padding:0;margin:0 0 16px}.panosc-profiles legend{font-size:1.75rem;margin:16px 0 12px}
.panosc-profiles label{display:grid;grid-template-columns:auto 1fr auto;column-gap:12px;align-items:baseline;
 padding:12px 16px;margin:0 0 8px;border:1px solid var(--bs-border-color,#8888);border-radius:6px;cursor:pointer}
.panosc-profiles label:has(:checked){border-color:var(--bs-primary,#0b5cad);
 box-shadow:inset 0 0 0 1px var(--bs-primary,#0b5cad)}
.panosc-profiles label:focus-within{outline:2px solid var(--bs-primary,#0b5cad);outline-offset:2px}
.panosc-profiles span{grid-column:2}.panosc-profiles small{grid-column:3;grid-row:1;white-space:nowrap}
.panosc-data{columns:2 20ch;padding-left:1.2em}.panosc-data code{user-select:all}
"""
