"""The alerts of a night, found in the record and in the published figures."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pyarrow as pa
import pytest
from alert_worlds import BEFORE, MORNING, NIGHT, World, build_empty_world, world_in
from published_marts import Figure

from onestop.alerts import ALERT_CODES, report_alerts
from onestop.schema.mapping import MappingError, Mappings
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.warehouse import open_warehouse

PAST = [NIGHT - dt.timedelta(days=days) for days in range(1, 8)]


@pytest.fixture(params=["duckdb", "postgres"])
def world(request, tmp_path):
    url = f"duckdb:///{tmp_path / 'w.duckdb'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres").make_database()
    with open_warehouse(url) as warehouse:
        yield world_in(tmp_path, warehouse)


@pytest.fixture
def small_world(kept, tmp_path):
    settings = kept.copy(build_empty_world, tmp_path / "copy")
    with open_warehouse(settings.warehouse) as warehouse:
        yield World(warehouse, settings)


def rate(numerator, denominator, status, firmness="met_by_all"):
    return Figure(
        "on_time_rate", "cohort", "CITY", numerator, denominator, 90, ">=", status,
        firmness=firmness,
    )  # fmt: skip


def texts(alert):
    return [line.en for line in alert.lines]


def test_every_cause_has_one_alert_and_a_quiet_night_none(world):
    world.publish(BEFORE, NIGHT)
    assert world.alerts() == {}
    for night in PAST:
        world.deliver("visits.csv", night, rejected=1)
    world.deliver("visits.csv", rejected=30)
    world.deliver("visits_2.csv", rejected=30)
    world.deliver("a.csv", refused_by="FILE-F01")
    world.deliver("b.csv", refused_by="FILE-F02")
    world.state_figures(rate(95, 100, "met"), night=BEFORE, until=NIGHT)
    world.state_figures(rate(89, 100, "not_met"), night=NIGHT)
    found = world.alerts()
    assert list(found) == ["delivery_refused", "rejected_share", "below_target"]
    assert found["delivery_refused"].counts == {"files": 2}
    assert found["rejected_share"].counts == {"feeds": 1, "rows_rejected": 60}


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("checks_failed", "night_failed"),
        ("exports_unread", "night_failed"),
        ("missing_delivery", "delivery_missing"),
    ],
)
def test_a_night_that_is_not_published_has_one_alert_with_its_cause(small_world, state, code):
    small_world.mappings = small_world.settings.mappings()
    small_world.end(state)
    assert list(small_world.alerts()) == [code]


def test_a_night_that_ended_without_a_record_of_why_has_failed(small_world):
    assert list(small_world.alerts()) == ["night_failed"]
    assert small_world.alerts(has_ended=False) == {}


@pytest.mark.parametrize(
    ("published", "words"),
    [
        (None, ["No night is published yet"]),
        (BEFORE, ["Readers still see the figures of night 23 Nov 2022"]),
    ],
)
def test_a_night_that_failed_states_which_night_readers_see(small_world, published, words):
    small_world.publish(*filter(None, [published]))
    small_world.end("exports_unread")
    found = small_world.alerts(now=MORNING + dt.timedelta(hours=6))
    assert texts(found["night_failed"])[1:] == texts(found["publication_late"]) == words


def test_a_night_that_a_later_one_overtook_is_not_late_and_says_nothing_of_readers(small_world):
    noon = MORNING + dt.timedelta(hours=10)
    small_world.publish(NIGHT + dt.timedelta(days=1))
    assert small_world.alerts(now=noon, has_ended=False) == {}
    small_world.end("exports_unread")
    [failed] = small_world.alerts(now=noon).values()
    assert texts(failed) == ["Not published: the exports could not be read"]


def test_broken_checks_are_named_with_their_counts_and_no_contents(small_world):
    small_world.end("checks_failed")
    small_world.warehouse.execute(
        "insert into audit.validation_result (delivery_id, attempt, rule_code, severity,"
        " expectation_type, is_success, rows_failed, message_vi, message_en, examples)"
        " values ('mart.20221124', 2, 'MRT-F01', 'critical', '', false, 12, 'Tổng', 'The sum',"
        " '000.00.01.H24-221124-0001')"
    )
    [alert] = small_world.alerts().values()
    assert (alert.lines[1].vi, alert.lines[1].en) == (
        "MRT-F01: Tổng: 12 dòng",
        "MRT-F01: The sum: 12 rows",
    )
    assert "221124-0001" not in alert.text("vi") + alert.text("en")


def test_a_missing_file_is_named_as_it_is_expected(small_world):
    small_world.mappings = small_world.settings.mappings()
    small_world.end("missing_delivery")
    [alert] = small_world.alerts().values()
    assert alert.code == "delivery_missing"
    assert "dossiers (one_stop): no file dossiers_20221124" in texts(alert)[0]
    assert "hồ sơ (one_stop): chưa nạp được tệp dossiers_20221124" in alert.text("vi")


@pytest.mark.parametrize("published", [[], [NIGHT - dt.timedelta(days=1)]])
def test_an_expected_file_that_was_refused_is_one_alert_which_says_what_it_blocks(
    small_world, published
):
    small_world.publish(*published)
    small_world.mappings = small_world.settings.mappings()
    small_world.deliver("dossiers_20221124.json", feed="dossiers", refused_by="FILE-F01")
    small_world.end("refused_delivery")
    [alert] = small_world.alerts().values()
    assert alert.code == "delivery_refused"
    assert "\n".join(texts(alert)) == (
        "dossiers_20221124.json: FILE-F01: The file is empty; export it again. The night waits for"
        " this file and is not published"
    )
    assert "`onestop night 2022-11-24`" in alert.remedy("en")


def test_a_refused_file_that_the_night_waits_for_is_named_beside_one_of_the_same_name(small_world):
    small_world.mappings = small_world.settings.mappings()
    for feed in ("visits", "dossiers", "visits"):
        small_world.deliver("export.csv", feed=feed, refused_by="FILE-F01")
    small_world.end("refused_delivery")
    alert = small_world.alerts()["delivery_refused"]
    assert sorted("waits for this file" in text for text in texts(alert)) == [False, True]


def test_of_two_expected_files_one_is_missing_and_one_refused(small_world):
    shipped = small_world.settings.mappings()
    dossiers = shipped.expected[0]
    visits = replace(shipped.sources["one_stop"].feeds["visits"], expected=True)
    source = replace(shipped.sources["one_stop"], feeds={"dossiers": dossiers, "visits": visits})
    small_world.mappings = Mappings({"one_stop": source})
    small_world.deliver("visits_20221124.csv", refused_by="FILE-F01")
    small_world.end("missing_delivery")
    found = small_world.alerts()
    assert {code: len(alert.lines) for code, alert in found.items()} == {
        "delivery_missing": 1,
        "delivery_refused": 1,
    }
    assert texts(found["delivery_missing"])[0].startswith("dossiers (one_stop): no file")


def test_a_refused_volume_that_a_person_has_to_decide_is_one_alert(small_world):
    small_world.mappings = small_world.settings.mappings()
    small_world.deliver("dossiers_20221124.json", feed="dossiers", refused_by="DOS-F05")
    small_world.end("refused_delivery")
    assert list(small_world.alerts()) == ["decision_wanted"]


def test_a_refused_volume_that_no_night_waits_for_names_the_way_to_accept_it(small_world):
    small_world.publish(NIGHT)
    small_world.deliver("visits.csv", refused_by="VIS-F05")
    small_world.deliver("other.csv", refused_by="FILE-F05")  # too large an archive
    [alert] = small_world.alerts().values()
    ways = [text.partition("If the number is right: ")[2] for text in texts(alert)]
    assert sorted(ways) == [
        "",
        "enter night 2022-11-24 in sql/reference/volume_exception.csv, then run `onestop replay`",
    ]


def test_a_source_that_is_left_out_is_missing_although_the_night_is_published(small_world):
    small_world.publish(NIGHT)
    broken = MappingError("permits.yaml", "feeds.dossiers", "what is wrong", "what to do")
    small_world.mappings = Mappings({}, (broken,))
    alert = small_world.alerts()["delivery_missing"]
    assert texts(alert) == [
        "A source is left out because its mapping is broken: permits.yaml: feeds.dossiers"
    ]


def test_a_night_published_without_a_file_that_usually_comes_names_its_feed(world):
    for night in PAST:
        world.deliver("visits.csv", night)
    world.end("missing_delivery")
    assert "delivery_missing" not in world.alerts()  # nothing was published without it
    world.publish(BEFORE, NIGHT)
    alert = world.alerts()["delivery_missing"]
    assert "\n".join(texts(alert)) == (
        "visits (one_stop): 1 file missing, compared with the three working days before; the night"
        " was published all the same; what comes later counts from the next night on"
    )
    assert alert.counts == {"feeds": 1, "sources_left_out": 0}
    world.deliver("visits.csv")
    assert world.alerts() == {}


def test_a_refused_file_that_a_loaded_one_replaced_is_no_alert(small_world):
    small_world.publish(NIGHT)
    small_world.deliver("a.csv", refused_by="FILE-F01")
    assert texts(small_world.alerts()["delivery_refused"]) == [
        "a.csv: FILE-F01: The file is empty; export it again"
    ]
    small_world.deliver("a.csv")
    assert small_world.alerts() == {}


def test_files_refused_before_the_last_publication_are_not_named_again(small_world):
    small_world.deliver("old.csv", BEFORE, refused_by="FILE-F01")
    small_world.publish(BEFORE, NIGHT)
    assert small_world.alerts() == {}


@pytest.mark.parametrize(
    ("past", "rejected", "is_unusual"),
    [(2, 10, True), (5, 10, False), (6, 12, False), (6, 13, True), (0, 9, False), (0, 10, True)],
)
def test_a_share_is_unusual_above_twice_the_median_and_from_ten_rows_on(
    small_world, past, rejected, is_unusual
):
    small_world.publish(NIGHT)
    for night in PAST:
        small_world.deliver("visits.csv", night, rejected=past)
    small_world.deliver("visits.csv", rejected=rejected)
    assert ("rejected_share" in small_world.alerts()) == is_unusual


def test_without_enough_past_nights_no_share_is_unusual(small_world):
    small_world.publish(NIGHT)
    for night in PAST[:4]:
        small_world.deliver("visits.csv", night)
    small_world.deliver("visits.csv", rejected=99)
    assert small_world.alerts() == {}


def test_a_figure_below_its_target_is_stated_before_and_after(small_world):
    small_world.publish(BEFORE, NIGHT)
    small_world.state_figures(rate(95, 100, "met"), night=BEFORE, until=NIGHT)
    small_world.state_figures(rate(8999, 10000, "not_met"), night=NIGHT)
    alert = small_world.alerts()["below_target"]
    assert alert.lines[0].vi.endswith("Toàn thành phố: 95,00 % (95/100) → 89,99 % (8.999/10.000), "
                                      "mục tiêu ≥ 90 %")  # fmt: skip
    assert alert.remedy("en") == "The causes, counted: `onestop diff 2022-11-23 2022-11-24`."


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (("not_met", None), ("met", None), "not met → met"),
        (("met", "met_by_all"), ("met", "depends"), "Met under every reading → Depends on the"),
        (("met", None), ("met", "depends"), None),
        (("met", "depends"), ("met", "depends"), None),
        (("no_target", None), ("met", None), None),
    ],
)
def test_a_verdict_turned_when_it_or_its_firmness_is_another(small_world, before, after, words):
    small_world.publish(BEFORE, NIGHT)
    small_world.state_figures(rate(1, 2, *before), night=BEFORE, until=NIGHT)
    small_world.state_figures(rate(1, 2, *after), night=NIGHT)
    found = small_world.alerts()
    assert list(found) == (["verdict_turned"] if words else [])
    assert not words or words in texts(found["verdict_turned"])[0]


def test_tickets_with_the_code_of_another_unit_or_day_are_counted_by_file(world):
    world.publish(BEFORE)
    world.deliver_tickets("old.csv", ("1", "H24.31", BEFORE), ("2", "H24.31", BEFORE), night=BEFORE)
    world.deliver_tickets("a.csv", ("1", "H24.31", NIGHT), ("7", "H24.31", NIGHT))
    world.deliver_tickets("b.csv", ("1", "H24.32", NIGHT), ("7", "H24.32", NIGHT))
    world.deliver_tickets("same.csv", ("2", "H24.31", BEFORE))
    world.deliver_tickets("corrected.csv", ("9", "H24.33", NIGHT))
    world.deliver_tickets("corrected.csv", ("9", "H24.31", NIGHT))
    alert = world.alerts()["tickets_replaced"]
    assert [(line.vi, line.en) for line in alert.lines] == [
        (
            f"{name}: 2 phiếu trùng mã với phiếu của đơn vị khác hoặc của ngày khác",
            f"{name}: 2 tickets with the code of a ticket of another unit or day",
        )
        for name in ("a.csv", "b.csv")
    ]
    assert alert.counts == {"files": 2, "tickets": 4}


def test_tickets_told_of_before_the_last_publication_are_not_told_again(world):
    world.deliver_tickets("a.csv", ("1", "H24.31", BEFORE), night=BEFORE)
    world.deliver_tickets("b.csv", ("1", "H24.32", BEFORE), night=BEFORE)
    world.publish(BEFORE, NIGHT)
    assert "tickets_replaced" not in world.alerts()


def test_strong_signs_are_counted_by_unit_and_name_no_dossier(world):
    world.publish(BEFORE, NIGHT)
    world.deliver("new.json", feed="dossiers")
    new = f"new.json.{world.number}"
    signs = [
        ("H24.31", "A-1", "strong", new),
        ("H24.31", "A-1", "strong", new),
        ("H24.31", "A-2", "strong", new),
        ("H24.32", "A-3", "weak", new),
        ("H24.32", "A-4", "strong", "from.before"),
    ]
    names = ("unit_code", "dossier_code", "strength", "delivery_after")
    rows = [dict(zip(names, sign, strict=True)) for sign in signs]
    world.warehouse.put_table("mart.changed_after_overdue", pa.Table.from_pylist(rows))
    units = [{"unit_code": "H24.31", "unit_name": "Quận"}]
    world.warehouse.put_table("mart.unit", pa.Table.from_pylist(units))
    alert = world.alerts()["strong_signs"]
    assert [(line.vi, line.en) for line in alert.lines] == [
        ("Quận (H24.31): 2 hồ sơ", "Quận (H24.31): 2 dossiers")
    ]
    assert alert.counts == {"units": 1, "dossiers": 2}


@pytest.mark.parametrize(
    ("clock", "is_late"), [("05:59", False), ("06:00", True)]
)  # fmt: skip
def test_figures_are_late_from_the_set_time_until_they_are_published(small_world, clock, is_late):
    small_world.publish(BEFORE)
    now = dt.datetime.combine(MORNING.date(), dt.time.fromisoformat(clock), LOCAL_ZONE)
    found = small_world.alerts(now=now, has_ended=False)
    assert list(found) == (["publication_late"] if is_late else [])
    small_world.publish(NIGHT)
    assert small_world.alerts(now=now) == {}


def test_the_time_by_which_figures_are_published_is_a_setting(small_world):
    small_world.settings = replace(small_world.settings, publish_by=dt.time(2))
    assert "publication_late" in small_world.alerts(has_ended=False)


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ("2022-12-02T05:59", None),
        ("2022-12-02T06:00", "its last day is 4 Dec 2022"),
        ("2022-12-05T00:30", "its last day was 4 Dec 2022"),
    ],
)
def test_a_report_is_due_from_the_morning_of_its_last_working_day_on(small_world, now, words):
    small_world.warehouse.execute("delete from audit.report where report_code = 'year'")
    now = dt.datetime.fromisoformat(f"{now}+07:00")
    night = now.date() - dt.timedelta(days=1)
    found = report_alerts(small_world.warehouse, night, small_world.settings, now=now)
    assert [texts(alert)[0].endswith(words) for alert in found] == ([True] if words else [])


def test_every_kind_has_its_words_in_both_languages(small_world):
    small_world.end("checks_failed")
    [alert] = small_world.alerts().values()
    for code in ALERT_CODES:
        for lang in ("vi", "en"):
            one = replace(alert, code=code, previous=BEFORE)
            assert one.subject(lang)
            assert one.remedy(lang)
            assert "{" not in one.text(lang) + one.page


def test_an_alert_of_many_lines_counts_the_last_ones(small_world):
    small_world.publish(NIGHT)
    for number in range(25):
        small_world.deliver(f"{number:02}.csv", refused_by="FILE-F01")
    alert = small_world.alerts()["delivery_refused"]
    assert len(alert.texts("en")) == 21
    assert alert.texts("en")[-1] == "… and 5 more"
