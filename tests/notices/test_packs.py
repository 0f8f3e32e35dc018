"""Packs are data, complete in two languages, with the article of law beside each rule."""

import re
from typing import get_args

from backend.notices import packs, rules
from backend.notices.packs import KOREA, NONE, pack_of
from backend.notices.rules import Kept
from schemas.notices import Exemption, JurisdictionId, Step
from tests.notices.fridays import FRIDAY, HOUR, gathering, kept

ARTICLE = re.compile(r"D?\d+[①-⑳]?")


def test_the_series_zone_says_whose_law_it_is() -> None:
    assert pack_of("Asia/Seoul") is KOREA
    assert pack_of("Europe/Berlin") is NONE
    assert [pack.id for pack in packs.ALL] == list(get_args(JurisdictionId))


def test_beside_each_rule_stands_its_article() -> None:
    told = [*KOREA.rules, *KOREA.offices, *KOREA.exemptions, *KOREA.duties]
    assert all(ARTICLE.fullmatch(each.article) for each in told)
    articles = {each.step: (each.article, each.hours, each.days) for each in KOREA.rules}
    assert articles == {
        "file-from": ("6①", -720, None),
        "file-by": ("6①", -48, None),
        "receipt": ("6②", 0, None),
        "correction-demand": ("7①", 12, None),
        "correction": ("7①", 24, None),
        "ban": ("8①", 48, None),
        "objection": ("9①", None, 10),
        "ruling": ("9②", 24, None),
        "withdrawal": ("6③", -24, None),
        "holding-report": ("8④", -1, None),
    }
    assert {each.article for each in KOREA.duties} >= {"16②", "17③", "17⑤"}
    assert {each.article for each in KOREA.exemptions if each.kind is None} == {"15"}


def test_everything_is_told_in_korean_and_english() -> None:
    for pack in packs.ALL:
        told = [pack, *pack.rules, *pack.offices, *pack.exemptions, *pack.duties]
        assert all(set(each.texts) >= {"ko", "en"} for each in told)


def test_korea_has_every_step_and_every_exemption() -> None:
    assert [each.step for each in KOREA.rules] == list(get_args(Step))
    assert [each.exemption for each in KOREA.exemptions] == list(get_args(Exemption))


def test_organisers_are_reminded_of_every_deadline_of_theirs_and_of_no_other() -> None:
    for rule in KOREA.rules:
        theirs = rule.by == "organiser" and rule.step != "file-from"
        assert bool(rule.remind_hours) == theirs


def test_where_no_law_is_known_nothing_is_due() -> None:
    now = FRIDAY - 100 * HOUR
    for noted in (Kept(), kept()):
        assert rules.deadlines(NONE, gathering(), noted, now) == []
        assert rules.reminders(NONE, gathering(), noted, now) == []
    assert rules.state_of(NONE, gathering(), Kept(), now) == ("not-due", None)
    assert rules.office_of(NONE, 2) is None
