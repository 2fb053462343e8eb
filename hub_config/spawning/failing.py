"""Why a session did not start, said to the person who waits for it."""

from __future__ import annotations

from html import escape

from jupyterhub.spawner import SpawnException

__all__ = ["StartFailed", "last_words"]


class StartFailed(SpawnException):  # type: ignore[misc]  # JupyterHub ships no types
    """A start that did not succeed; what a person reads is the message and nothing around it, on every page."""

    @property
    def jupyterhub_message(self) -> str:
        """What the hub's pages show; without it some say only that something failed."""
        return str(self.message)

    @property
    def jupyterhub_html_message(self) -> str:
        """The same with its lines."""
        return "<br>".join(map(escape, self.jupyterhub_message.splitlines()))

    def __str__(self) -> str:
        return self.jupyterhub_message


SHOW_IT = "If it stays like this, show this to the operator."


def last_words(person: str, said: str, where: str = SHOW_IT) -> StartFailed:
    """Make the error of a session that died at its start, with the end of what it said."""
    lines = "\n".join(said.strip().splitlines()[-8:]) or "It said nothing."
    message = f"The session of {person} did not start:\n{lines}\n{where}"
    return StartFailed(message, reason="The session did not start", status_code=500)
