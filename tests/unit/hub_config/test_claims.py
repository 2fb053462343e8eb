"""From claims to a person: user names, groups by every way, assurance, numbers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hub_config.access import access_for
from hub_config.errors import HubConfigError
from hub_config.identity.claims import ClaimReader, Person, UserNameRefused
from hub_config.identity.facts import elsewhere, facts, groups_of, last_good_refresh, numbers, unassured, withheld
from hub_config.identity.settings import identity_settings
from hub_config.people import person_signed_in
from hub_config.policy import read_policy

ENVIRONMENT = {"PANOSC_OIDC_CLIENT_ID": "hub", "PANOSC_OIDC_CLIENT_SECRET": "s", "JUPYTERHUB_CRYPT_KEY": "a" * 64}
ID = "0123456789abcdef" * 4


def reader(provider: str, known: set[str] = frozenset({"2024-1", "MX-7"}), **table: Any) -> ClaimReader:  # type: ignore[assignment]
    fixed = {"provider": provider, "callback_url": "https://h.example/hub/oauth_callback"}
    if provider in {"keycloak", "oidc", "geant"}:
        fixed["issuer"] = "https://login.example"
    return ClaimReader(identity_settings({**fixed, **table}, ENVIRONMENT), known)


EGI = {"entitlements": {"proposals": "p.example:proposals"}}
GEANT = {"entitlements": {"namespace": "urn:geant:x", "proposals": "p:q"}}


def test_the_same_person_always_has_the_same_name() -> None:
    egi = reader("egi", **EGI)
    assert egi.user_name({"voperson_id": f"{ID}@egi.eu"}) == f"{ID}@egi.eu"
    assert egi.user_name({"voperson_id": f"{ID.upper()}@EGI.eu"}) == f"{ID}@egi.eu"


@pytest.mark.parametrize(
    "raw",
    [
        "Alice", "alice", "\u212aate", "\u017fam", "\ufb01ona", "\u0130x", "alice\u200b", "alice\n", " alice", ".",
        "..",
        "%2e%2e", "a/b", "a%2fb", "a--b", "a_b", "a-b", "a.b", "-x", "x" * 300, "", "😀", "a:b", "${USER}",
        "{username}",
        "root", "admin", "test@eduteams.org", f"{ID}@eduteams.org", f"{ID}@egi.eu.evil.example", f"{ID}@egi.eu\n",
        f" {ID}@egi.eu", f"\u212a{ID[1:]}@egi.eu", f"{ID}@egixeu", None, 7, True, [f"{ID}@egi.eu"], {"a": 1},
    ],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("provider", ["egi", "geant", "keycloak"])
def test_only_well_formed_identifiers_are_user_names(raw: Any, provider: str) -> None:
    rules: Mapping[str, Any] = {"egi": EGI, "geant": GEANT, "keycloak": {}}[provider]
    read = reader(provider, **rules)
    claim = read.settings.user_name.claim
    if provider == "geant" and raw == f"{ID}@eduteams.org":
        assert read.user_name({claim: raw}) == raw
        return
    with pytest.raises(UserNameRefused) as refusal:
        read.user_name({claim: raw, "email": f"{ID}@egi.eu", "preferred_username": f"{ID}@egi.eu"})
    assert not raw or str(raw) not in str(refusal.value) or len(str(raw)) < 3


def test_blocked_accounts_do_not_log_in() -> None:
    wide = {"scope": "eduteams.org", "pattern": ".+"}
    for name in ("test@eduteams.org", "TEST@eduteams.org", "test@aai.geant.org"):
        with pytest.raises(UserNameRefused, match="blocked"):
            reader("geant", user_name=wide, **GEANT).user_name({"voperson_id": name})


def test_a_plain_subject_with_capitals_is_refused_because_two_people_could_share_a_name() -> None:
    oidc = reader("oidc")
    assert oidc.user_name({"sub": "a1b2c3d4"}) == "a1b2c3d4"
    with pytest.raises(UserNameRefused, match="capitals"):
        oidc.user_name({"sub": "A1b2c3d4"})


def test_a_digest_makes_unusable_identifiers_usable_and_depends_on_the_issuer() -> None:
    rule = {"claim": "sub", "pattern": ".{1,255}", "digest": True}
    names = {reader("oidc", user_name=rule).user_name({"sub": sub}) for sub in ("auth0|Ab", "auth0|ab", "x/y")}
    names.add(reader("keycloak", issuer="https://other.example", user_name=rule).user_name({"sub": "x/y"}))
    assert len(names) == 4
    assert all(len(name) == 32 and name.isalnum() and name.islower() for name in names)


def test_plain_groups_are_proposals_in_whatever_case_and_it_know_what_is_elsewhere() -> None:
    keycloak = reader("keycloak", hub_groups={"operators": ["/staff/operators"], "instructors": ["/teachers"]})
    claims = {"groups": ["/proposals/2024-1", "/proposals/mx-7", "/proposals/OTHER-9", "/staff/operators", "operators"]}
    person = keycloak.person(claims)
    assert person.groups == {"proposal-2024-1", "proposal-mx-7", "members", "operators"}
    assert person.proposals == {"2024-1", "MX-7"}
    assert person.elsewhere == {"other-9"}


@pytest.mark.parametrize(
    "value",
    [
        "/proposals/", "/proposals/../2024-1", "/proposals/2024-1/", "/proposals/2024-1\n", "2024-1",
        "proposals/2024-1",
        "/proposals/%32024-1", "/Proposals/2024-1", " /proposals/2024-1", "/proposals/2024-1/x",
        "members", "proposal-2024-1",
    ],
)  # fmt: skip
def test_plain_groups_that_are_nearly_proposals_give_nothing(value: str) -> None:
    assert reader("keycloak").person({"groups": [value]}).groups == set()


@pytest.mark.parametrize("claim", [{"/proposals/2024-1": 1}, [["/proposals/2024-1"]], 3])
def test_a_plain_group_claim_of_the_wrong_shape_gives_nothing_and_an_alarm(claim: Any) -> None:
    person = reader("keycloak").person({"groups": claim})
    assert (person.groups, list(person.alarms)) == (set(), ["groups"])


def test_one_broken_claim_takes_the_other_with_it() -> None:
    value = "urn:mace:egi.eu:group:p.example:proposals:2024-1#aai.egi.eu"
    good = reader("egi", **EGI).person({"entitlements": [value]})
    assert good.groups == {"proposal-2024-1", "members"}
    broken = reader("egi", **EGI).person({"entitlements": [value], "eduperson_entitlement": {"a": 1}})
    assert (broken.groups, list(broken.alarms)) == (set(), ["eduperson_entitlement"])


def test_roles_of_the_hub_come_from_entitlements_with_an_accepted_role() -> None:
    egi = reader("egi", hub_groups={"operators": ["p.example:operators"], "instructors": ["p:t:role=teacher"]}, **EGI)

    def groups(*values: str) -> set[str]:
        return egi.person({"entitlements": [f"urn:mace:egi.eu:group:{v}#aai.egi.eu" for v in values]}).groups

    assert groups("p.example:operators") == groups("p.example:operators:role=member") == {"operators"}
    assert groups("p.example:operators:role=pending") == groups("p:t") == groups("p.example:operators:sub") == set()
    assert groups("p:t:role=teacher") == {"instructors"}


def test_memberships_from_elsewhere_pass_the_same_gate() -> None:
    person = reader("keycloak").person({}, ["2024-1", "../x", "unknown-1"])
    assert person.groups == {"proposal-2024-1", "members"}
    assert person.elsewhere == {"unknown-1"}
    assert sum(person.refused.values()) == 1


RAF = "https://refeds.org/assurance"


@pytest.mark.parametrize(
    ("vouched", "enough"),
    [
        ([f"{RAF}/ID/unique", f"{RAF}/IAP/medium"], True),
        ([f"{RAF}/ID/unique", f"{RAF}/IAP/high"], True),
        ([f"{RAF}/profile/cappuccino"], True),
        ([f"{RAF}/profile/espresso"], True),
        ([f"{RAF}/ID/unique", f"{RAF}/IAP/low"], False),
        ([f"{RAF}/IAP/high"], False),
        (["IAP/high", "ID/unique"], False),
        ([], False),
        (None, False),
        ({f"{RAF}/profile/espresso": 1}, False),
    ],
)
def test_embargoed_data_need_assurance(vouched: Any, enough: bool) -> None:
    keycloak = reader(
        "keycloak",
        assurance={"required": ["ID/unique", f"{RAF}/IAP/medium"]},
        hub_groups={"users": ["/users"]},
    )
    person = keycloak.person({"groups": ["/proposals/2024-1", "/users"], "eduperson_assurance": vouched})
    assert person.groups == ({"proposal-2024-1", "members", "users"} if enough else {"users"})
    assert bool(person.withheld) is not enough


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (20001, 20001),
        ("20001", 20001),
        (0, None),
        ("0", None),
        (-1, None),
        (True, None),
        ("20001 ", None),
        (2**31, None),
    ],
)
def test_numeric_identifiers_are_positive_numbers_or_nothing(value: Any, number: int | None) -> None:
    person = reader("keycloak", numbers={"uid": "uidNumber"}).person({"uidNumber": value})
    assert person.numbers.get("uid") == number
    assert bool(person.alarms) is (number is None)


def test_known_proposals_that_differ_in_case_only_stop_the_hub() -> None:
    with pytest.raises(HubConfigError, match="upper and lower case"):
        reader("keycloak", known={"MX-1", "mx-1"})


def test_what_the_spawner_reads_is_what_was_written() -> None:
    person = Person(groups={"b", "a"}, elsewhere={"z"}, withheld=("IAP/low",), unassured={"x"}, numbers={"uid": 7})
    now = datetime(2026, 11, 25, 12, tzinfo=UTC)
    state = {"panosc": facts(person, now), "access_token": "t"}
    assert last_good_refresh(state) == now
    assert groups_of(state) == {"a", "b"}
    assert numbers(state) == {"uid": 7}
    assert (elsewhere(state), withheld(state), unassured(state)) == (("z",), ("IAP/low",), ("x",))
    odd = {"panosc": {"refreshed_at": True, "groups": "ab", "claims": [1], "elsewhere": {"a": 1}}}
    for nothing in (None, {}, {"panosc": None}, {"panosc": 3}, odd):
        assert numbers(nothing) == {}
        assert elsewhere(nothing) == ()
        assert last_good_refresh(nothing) is None
        assert groups_of(nothing) == frozenset()


def test_a_display_name_is_for_the_eye_only() -> None:
    egi = reader("egi", **EGI)
    assert egi.display_name({"name": "Ada \u202eLovelace\n"}) == "Ada Lovelace"
    assert egi.display_name({"name": ["Ada"]}) == ""


def test_the_access_table_says_what_is_elsewhere_and_what_assurance_keeps_away(tmp_path: Path) -> None:
    (tmp_path / "MX-7").mkdir()
    file = tmp_path / "panosc.yaml"
    file.write_text("facility: F\nroots: {d: {path: .}}\nproposals: {list: [{id: MX-7, root: d, directory: MX-7}]}\n")
    keycloak = reader("keycloak", assurance={"required": ["IAP/medium"]})
    now = datetime.now(UTC)

    def refusals(vouched: list[str]) -> dict[str, str]:
        person = keycloak.person({"groups": ["/proposals/MX-7", "/proposals/far-1"], "eduperson_assurance": vouched})
        signed_in = person_signed_in("u", person.groups, {"panosc": facts(person, now)})
        return {r.name: r.reason for r in access_for(signed_in, read_policy(file), now).refusals}

    away = "member, but this facility has no data of it"
    assert refusals([f"{RAF}/IAP/medium"]) == {"far-1": away}
    assert refusals([]) == {"far-1": away, "MX-7": "u is a member, but her identity was not verified well enough"}
