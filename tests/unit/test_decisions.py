"""What a person decides about a night, and what follows from it."""

from __future__ import annotations

import datetime as dt
import json
from functools import partial

import pytest
from alert_worlds import BEFORE, NIGHT, World, build_empty_world
from published_marts import SECOND

from onestop.decisions import (
    Question,
    accept_volumes,
    answer,
    checked_reason,
    open_questions,
)
from onestop.figures.decisions import decision_notes
from onestop.gate import all_suites
from onestop.gate.past_volumes import is_volume_rule
from onestop.marts.published import QuestionError
from onestop.night import discover_deliveries, take_in
from onestop.record.decisions import (
    accepted_volumes,
    decisions_on,
    keep_decisions,
    restore_decisions,
    standing_decisions,
)
from onestop.record.refusals import record_noted_refusals
from onestop.replay import ReplayFilter, replay
from onestop.schema.feeds import FEEDS
from onestop.schema.number_text import day
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.warehouse import open_warehouse

VISITS = "one_stop/visits"
REASON = "Nghỉ lễ của địa phương"


@pytest.fixture
def settings(kept, tmp_path):
    return kept.copy(build_empty_world, tmp_path / "copy")


def decided(settings, night=NIGHT):
    with open_warehouse(settings.warehouse) as warehouse:
        return [
            (one.subject, one.answer, one.because, one.decided_by)
            for one in decisions_on(warehouse, night)
        ]


def accept(settings, *subjects, because=REASON, by="duty"):
    accept_volumes(settings, NIGHT, subjects, because, by)


def test_a_decision_is_kept_with_who_when_and_why(settings):
    before = dt.datetime.now(dt.UTC)
    accept(settings, VISITS)
    assert decided(settings) == [(VISITS, "accepted", REASON, "duty")]
    with open_warehouse(settings.warehouse) as warehouse:
        [one] = decisions_on(warehouse, NIGHT)
        assert before <= one.decided_at <= dt.datetime.now(dt.UTC)
        assert accepted_volumes(warehouse, NIGHT) == {VISITS}
        assert accepted_volumes(warehouse, BEFORE) == set()


def test_the_same_decision_is_recorded_once_and_the_last_one_holds(settings):
    accept(settings, VISITS)
    accept(settings, VISITS)
    question = Question(VISITS, (), "", "")
    answer(settings, NIGHT, question, is_accepted=False, because="sai", decided_by="office")
    assert len(decided(settings)) == 2
    with open_warehouse(settings.warehouse) as warehouse:
        assert [one.answer for one in standing_decisions(warehouse, NIGHT)] == ["refused"]
        assert accepted_volumes(warehouse, NIGHT) == set()


@pytest.mark.parametrize(
    ("subject", "because", "message"),
    [
        ("one_stop/tickets", REASON, r"no feed one_stop/tickets; use one of: .*one_stop/visits"),
        (VISITS, "  ", "a decision needs its reason"),
        (VISITS, "hỏi anh A, 0912345678", "a person's number"),
        (VISITS, "hỏi duty@city.invalid", "an e-mail address"),
    ],
)
def test_a_decision_about_nothing_or_without_a_reason_is_refused(
    settings, subject, because, message
):
    with pytest.raises(QuestionError, match=message):
        accept(settings, subject, because=because)
    assert decided(settings) == []


def test_nothing_is_decided_about_a_published_night(settings):
    with open_warehouse(settings.warehouse) as warehouse:
        World(warehouse, settings).publish(NIGHT)
    with pytest.raises(QuestionError, match="night 2022-11-24: is published") as refused:
        accept(settings, VISITS)
    assert "volume_exception.csv and run onestop replay" in str(refused.value.remedy)


def test_a_confirmed_volume_of_a_published_night_is_loaded_by_replay(after_one_night, monkeypatch):
    """What the error about a published night says to do."""
    refused_visits(after_one_night)
    again = partial(replay, after_one_night, ReplayFilter(SECOND, SECOND, feed="visits"))
    assert [result.state for result in again()] == ["refused"]
    row = {"source": "one_stop", "feed": "visits", "night": SECOND}
    monkeypatch.setattr("onestop.gate.volume.read_reference", lambda _: {"volume_exception": [row]})
    assert [result.state for result in again()] == ["loaded"]


def test_every_suite_has_one_volume_rule_and_the_code_says_so():
    for suite in all_suites():
        if suite.name not in FEEDS:
            continue
        compared = [rule.code for rule in suite.rules if "usual_rows" in rule.message_en]
        assert len(compared) == 1, suite.name
        assert [rule.code for rule in suite.rules if is_volume_rule(rule.code)] == compared


def test_only_volumes_that_nobody_decided_on_are_asked_about(settings):
    with open_warehouse(settings.warehouse) as warehouse:
        world = World(warehouse, settings)
        world.deliver("v.csv", refused_by="VIS-F05")
        world.deliver("d.json", feed="dossiers", refused_by="FILE-F01")
        world.deliver("units.zip", feed="units", refused_by="FILE-F05")  # an archive too large
        world.deliver("old.csv", BEFORE, refused_by="VIS-F05")
        [question] = open_questions(warehouse, NIGHT)
        assert (question.subject, len(question.delivery_ids)) == (VISITS, 1)
        assert Question.from_json(question.to_json()) == question
    accept(settings, VISITS)
    with open_warehouse(settings.warehouse) as warehouse:
        assert open_questions(warehouse, NIGHT) == []


def refused_visits(settings):
    """Take in the second night's tickets after nights with many more of them."""
    with open_warehouse(settings.warehouse) as warehouse:
        world = World(warehouse, settings, number=100)
        for weeks in (1, 2, 3):
            night = SECOND - dt.timedelta(weeks=weeks)
            world.deliver(f"visits_{night:%Y%m%d}.csv", night, accepted=100_000)
    return take_visits(settings)


def take_visits(settings):
    systems = settings.source_systems()
    folders = settings.folders
    found = discover_deliveries(SECOND, systems, settings.warehouse, folders)
    [visits] = [one for one in found if one.feed == "visits" and one.night == SECOND]
    report = take_in(visits, SECOND, systems, settings.warehouse, folders)
    with open_warehouse(settings.warehouse) as warehouse:
        record_noted_refusals(warehouse, folders)
        return report, open_questions(warehouse, SECOND)


def test_an_accepted_file_is_read_again_and_loaded(after_one_night):
    report, [question] = refused_visits(after_one_night)
    assert report.state == "refused"
    assert "VIS-F05" in report.reason
    [result] = answer(
        after_one_night, SECOND, question, is_accepted=True, because=REASON, decided_by="duty"
    )
    assert (result.state, result.rows_accepted > 0) == ("loaded", True)
    report, questions = take_visits(after_one_night)
    assert (report.state, questions) == ("already_loaded", [])


def test_without_an_answer_a_file_stays_refused(after_one_night):
    _, [question] = refused_visits(after_one_night)
    assert not answer(
        after_one_night, SECOND, question, is_accepted=False, because="x", decided_by=None
    )
    report, questions = take_visits(after_one_night)
    assert (report.state, questions) == ("refused", [])
    assert decided(after_one_night, SECOND) == [(VISITS, "refused", "x", None)]


def test_a_volume_accepted_beforehand_is_not_compared(after_one_night):
    accept_volumes(after_one_night, SECOND, [VISITS], REASON, "duty")
    report, questions = refused_visits(after_one_night)
    assert (report.state, questions) == ("loaded", [])


def test_the_landing_keeps_decisions_and_a_rebuilt_record_gets_them_back(settings, tmp_path):
    accept(settings, VISITS)
    with open_warehouse(settings.warehouse) as warehouse:
        keep_decisions(settings.landing, warehouse)
        keep_decisions(settings.landing, warehouse)
        before = decisions_on(warehouse, NIGHT)
    [file] = (settings.landing / "decisions").iterdir()
    assert file.name.startswith("2022-11-24.")
    with open_warehouse(f"duckdb:///{tmp_path / 'lost.duckdb'}") as warehouse:
        restore_decisions(warehouse, settings.landing)
        restore_decisions(warehouse, settings.landing)
        assert decisions_on(warehouse, NIGHT) == before


def test_the_landing_has_a_decision_before_its_night_is_published(settings):
    accept(settings, VISITS)
    [file] = (settings.landing / "decisions").iterdir()
    assert json.loads(file.read_text("utf-8"))["subject"] == VISITS


def test_decisions_are_notes_to_the_night_s_figures(settings):
    accept(settings, VISITS)
    answer(
        settings,
        NIGHT,
        Question("one_stop/units", (), "", ""),
        is_accepted=False,
        because="none",
        decided_by=None,
    )
    today = day(dt.datetime.now(LOCAL_ZONE).date(), "en")
    with open_warehouse(settings.warehouse) as warehouse:
        notes = decision_notes(warehouse, NIGHT, "en")
        assert notes == [
            (
                "Decision: the unusual number of rows of units (one_stop) is refused"
                f" (nobody answered in time, {today}): none"
            ),
            (
                "Decision: the number of rows of visits (one_stop) is accepted, even if it is"
                f" unusual (duty, {today}): {REASON}"
            ),
        ]
        note = decision_notes(warehouse, NIGHT, "vi", names_people=False)[1]
        assert "số dòng của phiếu lấy số (one_stop), kể cả khi khác thường" in note
        assert "duty" not in note


def test_a_reason_keeps_its_words_and_loses_needless_blanks():
    assert checked_reason(" Nghỉ  lễ\n") == "Nghỉ lễ"
