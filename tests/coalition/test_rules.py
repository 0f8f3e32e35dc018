"""The laws of standing behind an act, and what roles may do."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.coalition.handles import handle_of
from backend.coalition.rules import (
    SCOPES_OF,
    decide,
    invite_state,
    last_day,
    may_approve,
    may_invite,
    usable_scopes,
)
from backend.core.guards import SCOPES
from backend.settings import ALERT_KINDS, Settings
from schemas.coalition import HANDLE_LETTERS, InviteState, Role, Scope

ORGANISERS = [UUID(int=number) for number in range(1, 8)]
organisers = st.sampled_from(ORGANISERS)
groups = st.frozensets(organisers)
thresholds = st.integers(min_value=1, max_value=6)
composers = st.none() | organisers


@given(composer=composers, approvers=groups, needed=thresholds)
def test_an_act_is_never_granted_by_fewer_organisers_than_it_needs(
    composer: UUID | None, approvers: frozenset[UUID], needed: int
) -> None:
    decided = decide(composer=composer, approvers=approvers, needed=needed, organisers=7)
    behind_it = approvers | ({composer} if composer else set())
    assert decided.given == len(behind_it)
    assert not decided.granted or len(behind_it) >= needed


@given(composer=composers, needed=thresholds)
def test_composing_alone_grants_nothing(composer: UUID | None, needed: int) -> None:
    assert not decide(composer=composer, approvers=[], needed=needed, organisers=7).granted


@given(composer=composers, approvers=groups, another=organisers, needed=thresholds)
def test_one_more_approval_never_takes_anything_away(
    composer: UUID | None, approvers: frozenset[UUID], another: UUID, needed: int
) -> None:
    before = decide(composer=composer, approvers=approvers, needed=needed, organisers=7)
    after = decide(composer=composer, approvers=approvers | {another}, needed=needed, organisers=7)
    assert after.given >= before.given
    assert after.granted >= before.granted


@given(composer=composers, approvers=st.lists(organisers), needed=thresholds)
def test_approving_twice_counts_once(
    composer: UUID | None, approvers: list[UUID], needed: int
) -> None:
    once = decide(composer=composer, approvers=set(approvers), needed=needed, organisers=7)
    assert once == decide(
        composer=composer, approvers=approvers + approvers, needed=needed, organisers=7
    )


@given(approvers=st.lists(organisers), composer=organisers, needed=thresholds)
def test_an_act_that_needs_several_is_granted_only_with_somebody_other_than_its_composer(
    approvers: list[UUID], composer: UUID, needed: int
) -> None:
    allowed = [
        each for each in approvers if may_approve(organiser=each, composer=composer, needed=needed)
    ]
    decided = decide(composer=composer, approvers=allowed, needed=needed, organisers=7)
    if decided.granted and needed > 1:
        assert set(allowed) - {composer}


def test_a_collective_of_one_is_told_what_it_risks() -> None:
    composer = ORGANISERS[0]
    assert may_approve(organiser=composer, composer=composer, needed=1)
    decided = decide(composer=composer, approvers=[composer], needed=1, organisers=1)
    assert decided.granted
    assert decided.warnings == ["threshold-of-one"]


def test_a_composer_learns_that_there_are_too_few_to_ask() -> None:
    decided = decide(composer=ORGANISERS[0], approvers=[], needed=2, organisers=1)
    assert (decided.given, decided.needed, decided.organisers) == (1, 2, 1)
    assert decided.warnings == ["too-few-organisers"]


def test_guards_and_wire_name_the_same_scopes() -> None:
    assert {scope.value for scope in Scope} == SCOPES


def test_every_role_has_its_scopes() -> None:
    assert SCOPES_OF.keys() == set(Role)
    assert SCOPES_OF[Role.ADMIN] == set(Scope)
    assert SCOPES_OF[Role.MARSHAL_LEAD] < SCOPES_OF[Role.ORGANISER] < SCOPES_OF[Role.ADMIN]


@given(scopes=st.frozensets(st.sampled_from(list(Scope))), role=st.sampled_from(list(Role)))
def test_nobody_invites_one_who_may_do_more_than_herself(
    scopes: frozenset[Scope], role: Role
) -> None:
    assert may_invite(scopes, role) == (not SCOPES_OF[role] - scopes)


@given(scopes=st.frozensets(st.sampled_from([*Scope, "of:another-age"])))
def test_a_token_does_no_more_than_its_organisers_role_allows(scopes: frozenset[str]) -> None:
    for role in Role:
        assert usable_scopes(scopes, role) <= SCOPES_OF[role]
        assert usable_scopes(scopes, role) <= scopes


@pytest.mark.parametrize(
    ("used", "minutes", "state"),
    [
        (False, 1, InviteState.OPEN),
        (False, 0, InviteState.EXPIRED),
        (False, -1, InviteState.EXPIRED),
        (True, 1, InviteState.USED),
        (True, -1, InviteState.USED),
    ],
)
def test_an_invite_is_open_until_it_is_used_or_over(
    used: bool, minutes: int, state: InviteState
) -> None:
    now = datetime(2024, 8, 30, 10, tzinfo=UTC)
    expires_at = now + timedelta(minutes=minutes)
    assert invite_state(used=used, expires_at=expires_at, now=now) is state


def test_a_token_works_for_a_year_at_most() -> None:
    assert last_day(date(2024, 8, 30)) == date(2025, 8, 30)


@given(st.binary(min_size=4, max_size=4))
def test_a_handle_is_two_words_and_a_number(seed: bytes) -> None:
    how, what, number = handle_of(seed).split("-")
    assert how.isalpha()
    assert what.isalpha()
    assert 10 <= int(number) < 100
    assert len(handle_of(seed)) in HANDLE_LETTERS


def test_every_kind_of_alert_has_a_threshold() -> None:
    settings = Settings.from_environment(
        {
            "EXIT10_DATABASE_URL": "postgresql://",
            "EXIT10_REDIS_URL": "redis://",
            "EXIT10_TOKEN_KEY": "A" * 43,
        }
    )
    assert settings.approvals == dict.fromkeys(ALERT_KINDS, 2)
