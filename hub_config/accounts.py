"""From a person to the numbers that file systems know her by."""

from __future__ import annotations

import pwd
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hub_config.policy import Accounts

__all__ = ["Account", "NoAccount", "account_for"]


class NoAccount(LookupError):
    """A person without a number: her session must not start under somebody else's."""


@dataclass(frozen=True, slots=True)
class Account:
    """Numeric user and primary group of one person, and why these."""

    uid: int
    gid: int
    reason: str


def account_for(person: str, claims: Mapping[str, object], accounts: Accounts) -> Account:
    """Find the account of `person`. ``file`` and ``system`` look her up by the claim ``account``, else by her name.

    Parameters
    ----------
    person
        Name in the hub.
    claims
        ``uid``, ``gid`` and ``account`` as the identity provider said them.
    accounts
        The policy's rule.

    Raises
    ------
    NoAccount
        She has none, or one below the rule's minimum; the message says what to do.
    """
    if accounts.source == "fixed":
        return Account(accounts.uid, accounts.gid, "the same for everybody")
    name = claims.get("account", person)
    if accounts.source == "claim":
        account = _claimed(claims)
    elif accounts.source == "file":
        account = _listed(str(name), accounts.file)
    else:
        account = _system(str(name))
    for number, what in ((account.uid, "uid"), (account.gid, "gid")):
        if number < accounts.minimum:
            raise NoAccount(f"{what} {number} is below {accounts.minimum}, where system accounts are")
    return account


def _claimed(claims: Mapping[str, object]) -> Account:
    numbers = []
    for what in ("uid", "gid"):
        value = claims.get(what)
        text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
        if not (text.isascii() and text.isdigit()) or int(text) > 2**32 - 2:
            raise NoAccount(f"the identity provider says no usable {what}; ask for the claim or use another source")
        numbers.append(int(text))
    return Account(numbers[0], numbers[1], "said by the identity provider")


def _listed(name: str, file: Path | None) -> Account:
    if file is None:
        raise NoAccount("the policy names no file of accounts")
    try:
        rows = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise NoAccount(f"{file} cannot be read ({error.strerror})") from error
    for row in rows:
        fields = row.split(":")
        if fields[0] == name and len(fields) >= 4 and fields[2].isdigit() and fields[3].isdigit():
            return Account(int(fields[2]), int(fields[3]), f"listed in {file}")
    raise NoAccount(f"{file} has no account {name!r}")


def _system(name: str) -> Account:
    try:
        entry = pwd.getpwnam(name)
    except (KeyError, ValueError):
        raise NoAccount(f"this machine knows no account {name!r}") from None
    return Account(entry.pw_uid, entry.pw_gid, "this machine's account")
