"""What operators must hear of: counted for Prometheus and logged, without anything of a person's claims."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter

if TYPE_CHECKING:
    from logging import Logger

    from hub_config.identity.claims import Person

__all__ = ["REFRESHES", "alarm", "report"]

ALARMS = Counter("panosc_identity_alarms", "Answers of the identity provider that no good provider gives", ["kind"])
REFUSED = Counter("panosc_identity_refused_values", "Values of membership claims that gave nothing", ["reason"])
REFRESHES = Counter("panosc_identity_refreshes", "Refreshed logins", ["outcome"])


def alarm(log: Logger, kind: str, message: str) -> None:
    """Count one alarm of `kind` and log it as an error."""
    ALARMS.labels(kind=kind).inc()
    log.error("Identity alarm (%s): %s", kind, message)


def report(log: Logger, user_name: str, person: Person) -> None:
    """Say what of a person's claims gave nothing."""
    for claim, reason in person.alarms.items():
        alarm(log, "claim", f"the claim {claim} of {user_name} is {reason}: it gives no membership")
    for reason, count in person.refused.items():
        REFUSED.labels(reason=reason).inc(count)
        log.warning("%d membership value(s) of %s refused: %s", count, user_name, reason)
    if person.withheld:
        log.warning(
            "Proposals of %s withheld: the provider does not vouch for %s", user_name, ", ".join(person.withheld)
        )
