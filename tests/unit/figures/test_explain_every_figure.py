"""Every published figure can be traced to the items it counts."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import random
from dataclasses import replace

import pytest
from published_marts import settings_in
from random_worlds import build_world
from recorded_world import put_record
from reference_figures import Statement
from second_worked_set import DISTRICT, MAY, MID_JANUARY, SEPTEMBER, second_world

from onestop.figures.explain import explain, print_explanation
from onestop.marts.compute import compute_marts
from onestop.marts.files import step_text
from onestop.marts.publish import publish_marts
from onestop.marts.published import QuestionError, open_published
from onestop.warehouse import open_warehouse

SINCE = dt.date(2022, 1, 1)
TASKS, RANK, BARE = "plan_tasks_completed_rate", "pci_rank", "budget_revenue_rate"
JULY = dt.date(2022, 7, 4)
CHANCE_NIGHTS = dt.date(2022, 6, 30), dt.date(2022, 7, 31)


def declared(indicator, last, document, numerator=None, denominator=None, first=SINCE, **more):
    return {
        "indicator_code": indicator,
        "unit_code": "CITY",
        "period_start": first,
        "period_end": last,
        "numerator": numerator,
        "denominator": denominator,
        "document_number": document,
        "document_date": last,
        **more,
    }


def declarations():
    """Declared figures: a corrected series, one of last year, a later one, one without numbers."""
    march, june, year = dt.date(2022, 3, 31), dt.date(2022, 6, 30), dt.date(2022, 12, 31)
    return {
        "march": [
            Statement(dt.date(2022, 4, 5), declared(TASKS, march, "5/BC", 10, 40)),
            Statement(MAY, declared(TASKS, march, "9/BC", 11, 40)),
        ],
        "june": [Statement(JULY, declared(TASKS, june, "21/BC", 25, 40))],
        "year": [Statement(JULY, declared(TASKS, year, "22/KH", 40, 40))],
        "last": [
            Statement(
                dt.date(2022, 1, 20),
                declared(
                    TASKS, dt.date(2021, 12, 31), "1/BC", 38, 38, first=dt.date(2021, 1, 1)
                ),
            )
        ],
        "rank": [Statement(MAY, declared(RANK, march, "8/QĐ", declared_value=12))],
        "bare": [Statement(MAY, declared(BARE, march, "7/QĐ", declared_value=80))],
    }  # fmt: skip


def published(folder, world, *nights):
    settings = settings_in(folder)
    with open_warehouse(settings.warehouse) as warehouse:
        put_record(warehouse, world)
        for night in nights:
            compute_marts(warehouse, night)
            publish_marts(warehouse, night)
        warehouse.publish_copy(settings.published)
    return settings


def add_procedures(world):
    """Add procedures: one with a second code, one deleted in July, one added at the same time."""
    says = world.procedures["1.000002"][0].says
    for code, story in {
        "1.000002.000.00.00.H24": [(MID_JANUARY, True)],
        "1.000007": [(MID_JANUARY, True), (JULY, False)],
        "1.000008": [(JULY, True)],
    }.items():
        listed = says | {"procedure_code": code, "procedure_name": f"=Thủ tục {code}"}
        world.procedures[code] = [
            Statement(night, listed if is_in else None) for night, is_in in story
        ]


def add_communes(world):
    """Add a commune for each reason not to count a One-Stop desk."""
    says = world.units["H24.31.05"][0].says | {"unit_name": "Ủy ban nhân dân xã"}
    for code, more in {
        "H24.31.11": {"has_one_stop": False},
        "H24.31.12": {"valid_from_date": dt.date(2023, 1, 1)},
        "H24.31.13": {"valid_to_date": dt.date(2022, 4, 1)},
        "H24.31.14": {"digitisation_date": dt.date(2022, 12, 1)},
    }.items():
        world.units[code] = [Statement(MID_JANUARY, says | {"unit_code": code} | more)]
    gone, new = says | {"unit_code": "H24.31.15"}, says | {"unit_code": "H24.31.16"}
    world.units["H24.31.15"] = [Statement(MID_JANUARY, gone), Statement(JULY, None)]
    world.units["H24.31.16"] = [Statement(JULY, new)]


def publish_worked_set(folder, _):
    world = second_world()
    world.declarations = declarations()
    add_procedures(world)
    add_communes(world)
    published(folder, world, MAY, SEPTEMBER)


@pytest.fixture(scope="module")
def worked(kept, tmp_path_factory):
    """The second worked set, with more procedures, communes and declarations."""
    return kept.copy(publish_worked_set, tmp_path_factory.mktemp("worked") / "var")


def publish_random_nights(folder, _):
    world = build_world(random.Random(3).choice, dossiers=60, tickets=300)
    published(folder, world, *CHANCE_NIGHTS)


@pytest.fixture(scope="module")
def chance(kept, tmp_path_factory):
    """Two nights at random: chains of transfers, times out of order, units that begin and end."""
    return kept.copy(publish_random_nights, tmp_path_factory.mktemp("chance") / "var")


def of_year(settings, indicator, unit="CITY", last=SEPTEMBER, **more):
    return explain(settings, indicator, unit, SINCE, last, **more)


def reasons(explanation, role):
    return {item.code: item.reason_code for item in explanation.items if item.role == role}


def figures(settings, night, where):
    with open_published(settings) as warehouse:
        return warehouse.rows(
            "select indicator_code, method_code, unit_code, period_start,"
            " coalesce(period_end, :night) as period_end, numerator, denominator"
            " from mart.indicator_history where valid_from <= :night"
            f" and (valid_to is null or valid_to > :night) and {where}",
            {"night": night},
        )


def wrong_sums(settings, night, where):
    """Published figures that their items do not add up to, and the reason codes seen."""
    wrong, seen = [], set()
    for row in figures(settings, night, where):
        span = row["period_start"], row["period_end"]
        asked = row["indicator_code"], row["unit_code"], *span, row["method_code"]
        found = explain(settings, *asked, night)
        seen |= {item.reason_code for item in found.items}
        counted = (found.numerator, found.denominator)
        if counted != (row["numerator"], row["denominator"]) or found.agrees is not True:
            wrong.append((row, counted, found.published))
    return wrong, seen


def test_the_items_of_every_figure_of_a_night_add_up_to_it(worked):
    wrong, seen = wrong_sums(
        worked,
        SEPTEMBER,
        "period_type = 'year_to_date' and period_basis = 'calendar'"
        f" and (unit_code in ('CITY', 'COMMUNE') or indicator_code like 'digitisation_rollout%'"
        f" or (unit_code = '{DISTRICT}' and method_code in ('cohort', 'share')))",
    )
    assert wrong == []
    assert seen >= {"late", "by_online", "digitised", "transferred", "published", "declared"}


@pytest.mark.parametrize(
    ("night", "method"),
    [(CHANCE_NIGHTS[0], "visit_mean"), (CHANCE_NIGHTS[1], "visit_mean_from_opening")],
)
def test_tickets_of_every_kind_add_up_for_every_unit_on_either_night(chance, night, method):
    wrong, seen = wrong_sums(
        chance,
        night,
        f"method_code = '{method}' and period_type = 'year_to_date' and period_basis = 'calendar'",
    )
    assert wrong == []
    assert seen >= {
        "called", f"before_opening_{method}", "transferred", "transferred_left_out", "no_show",
        "not_called", "invalid", "reprinted",
    }  # fmt: skip


def test_procedures_and_desks_of_an_earlier_night_add_up_in_ended_and_running_periods(chance):
    wrong, seen = wrong_sums(
        chance,
        CHANCE_NIGHTS[0],
        "(indicator_code like '%procedure%' or indicator_code like 'level4%'"
        " or indicator_code like 'digitisation_rollout%') and period_type = 'quarter'"
        " and unit_code in ('CITY', 'COMMUNE') and period_basis = 'government'"
        " and period_start >= date '2022-03-15'",
    )
    assert wrong == []
    assert seen >= {"published", "not_digitising"}, sorted(seen)


def test_an_indicator_without_data_gives_the_reason_that_the_scorecard_gives(worked):
    with open_published(worked) as warehouse:
        lines = warehouse.rows("select * from mart.scorecard where status = 'no_data'")
    assert {"results_digitised_growth", BARE} <= {line["indicator_code"] for line in lines}
    for line in lines:
        if line["source_kind"] == "declared" and line["indicator_code"] != BARE:
            continue  # one declared indicator is tested for all
        found = of_year(worked, line["indicator_code"], line["unit_code"])
        assert not found.denominator, line
        assert found.no_data_reason_vi == line["no_data_reason_vi"]
        assert found.no_data_reason_en == line["no_data_reason_en"]
    assert of_year(worked, TASKS).no_data_reason_vi is None


def test_every_indicator_names_a_step_that_has_its_items(worked):
    with open_published(worked) as warehouse:
        rows = warehouse.rows("select distinct item_step from ref.indicator")
    for row in rows:
        file, _, step = row["item_step"].rpartition(".")
        assert step_text(file, step).endswith(f"select * from {step}")


def test_each_ticket_shows_its_times_and_what_it_adds_to_the_figure(worked):
    found = {item.code: item for item in of_year(worked, "counter_waiting_time").items}
    amounts = {code: (item.numerator, item.denominator) for code, item in found.items()}
    assert amounts == {
        "T1": (600, 1), "T2": (300, 0), "T3": (0, 0), "T4": (0, 0), "T5": (1800, 1),
        "T6": (2100, 1), "T7": (1200, 1),
    }  # fmt: skip
    assert found["T2"].facts["visit_code"] == "T1"
    assert found["T2"].reason_en.startswith("Transferred from ticket T1")
    assert f"{found['T7'].facts['issued_at']}" == "2022-03-15 06:50:00+07:00"
    assert found["T7"].file_name == "one_stop.visits.20220331.000000000000.csv"
    assert found["T7"].row_number == 1


def test_waits_from_opening_begin_when_the_office_opens(worked):
    found = of_year(worked, "counter_waiting_time", method="visit_mean_from_opening")
    early = next(item for item in found.items if item.code == "T7")
    assert (early.numerator, early.facts["wait_seconds"]) == (600, 600)
    assert early.reason_vi == "Lấy số trước giờ mở cửa, được gọi: chỉ tính từ giờ mở cửa"
    assert (found.numerator, found.denominator, found.agrees) == (5400, 4, True)


def test_tickets_of_another_day_or_unit_are_not_in_the_list(worked):
    day = dt.date(2022, 3, 14)
    assert explain(worked, "counter_waiting_time", "CITY", SINCE, day).items == ()
    commune = of_year(worked, "counter_waiting_time", "COMMUNE")
    assert [item.code for item in commune.items] == ["T7"]


def test_each_procedure_states_why_it_counts_towards_level_4_or_not(worked):
    found = of_year(worked, "level4_provision_rate")
    assert reasons(found, "numerator") == {"1.000001.000.00.00.H24": "at_level4"}
    assert reasons(found, "denominator") == {
        "1.000002": "not_at_level4", "1.000008": "not_at_level4"
    }  # fmt: skip
    assert reasons(found, "left_out") == {
        "1.000002.000.00.00.H24": "same_procedure",
        "1.000003": "not_eligible",
        "1.000004": "internal",
        "1.000005": "not_eligible",
        "1.000006": "not_eligible",
        "1.000007": "listed_no_more",
    }
    by_code = {item.code: item for item in found.items}
    assert by_code["1.000002"].reason_vi == "Đủ điều kiện mức độ 4, đang ở mức độ 3"
    assert by_code["1.000007"].reason_en == "No longer in the catalogue since 4 Jul 2022"
    assert by_code["1.000002"].file_name == "one_stop.procedures.20220114.000000000000.csv"


def test_procedures_in_force_at_the_end_of_the_span_are_counted(worked):
    found = explain(worked, "procedures_published_rate", "DISTRICT", SINCE, MAY)
    assert set(reasons(found, "numerator")) == {"1.000002", "1.000005", "1.000007"}
    later = next(item for item in found.items if item.code == "1.000008")
    assert later.reason_vi == "Có trong danh mục từ ngày 04/07/2022, sau kỳ"
    assert later.role == "left_out"


def test_internal_procedures_are_counted_separately(worked):
    found = of_year(worked, "internal_procedures_published_rate")
    assert reasons(found, "numerator") == {"1.000004": "published"}
    assert set(reasons(found, "left_out").values()) == {
        "not_internal", "same_procedure", "listed_no_more"
    }  # fmt: skip


def test_procedures_with_an_online_dossier_are_listed_apart_from_those_without(worked):
    found = of_year(worked, "online_procedure_used_share")
    assert set(reasons(found, "numerator").values()) == {"used_online"}
    assert reasons(found, "denominator") == {"1.000008": "not_used_online"}
    assert reasons(found, "left_out")["1.000005"] == "not_online"


def test_each_desk_states_why_it_counts_or_not(worked):
    found = of_year(worked, "digitisation_rollout_commune", "COMMUNE")
    assert reasons(found, "numerator") == {"H24.31.06": "digitising"}
    assert reasons(found, "denominator") == {
        "H24.31.05": "not_digitising",
        "H24.31.14": "digitising_later",
        "H24.31.16": "not_digitising",
    }
    assert reasons(found, "left_out") == {
        "H24.31.11": "no_one_stop",
        "H24.31.12": "not_begun",
        "H24.31.13": "ended",
        "H24.31.15": "registered_no_more",
    }
    digitising = next(item for item in found.items if item.role == "numerator")
    assert digitising.reason_vi == "Quy trình số hóa triển khai từ ngày 01/09/2022"
    assert digitising.file_name == "one_stop.units.20220114.000000000000.csv"


def test_desks_registered_at_the_end_of_the_span_are_counted(worked):
    found = of_year(worked, "digitisation_rollout_commune", "COMMUNE", last=MAY)
    assert reasons(found, "numerator") == {}
    assert reasons(found, "denominator")["H24.31.06"] == "digitising_later"
    assert reasons(found, "left_out")["H24.31.16"] == "registered_later"


def test_a_check_is_explained_on_an_earlier_night_too(worked):
    # B11, received on 18/03, waited for a supplement when the quarter's last night exported it
    then = of_year(worked, "supplement_late", last=MAY, as_of=MAY)
    assert reasons(then, "left_out") == {"B11": "first_seen"}
    assert (then.published, then.numerator) == (None, 0)
    now = of_year(worked, "closed_out_overdue")
    assert (now.published, now.numerator) == ((0, 0), 0)


def test_a_declared_figure_names_its_document_and_the_documents_left_out(worked):
    found = of_year(worked, TASKS)
    assert reasons(found, "numerator") == {"21/BC": "declared"}
    assert reasons(found, "left_out") == {
        "1/BC": "before", "5/BC": "replaced", "9/BC": "superseded", "22/KH": "not_over"
    }  # fmt: skip
    assert (found.numerator, found.denominator, found.agrees) == (25, 40, True)
    assert found.items[0].facts["document_date"] == dt.date(2022, 6, 30)
    assert found.items[0].file_name == "one_stop.declarations.20220704.000000000000.csv"


def test_an_earlier_night_counts_only_declarations_received_by_then(worked):
    found = of_year(worked, TASKS, last=MAY, as_of=MAY)
    assert reasons(found, "numerator") == {"9/BC": "declared"}
    assert (found.published, found.agrees) == ((11, 40), True)
    assert {item.code for item in found.items} == {"1/BC", "5/BC", "9/BC"}


def test_a_declaration_without_numbers_is_listed_and_gives_no_figure(worked):
    found = of_year(worked, BARE)
    assert reasons(found, "numerator") == {"7/QĐ": "declared_value_only"}
    assert (found.numerator, found.denominator, found.agrees) == (None, None, True)
    assert "chưa có dữ liệu" in page(worked, found)


def test_a_declared_rank_is_a_figure_without_a_fraction(worked):
    found = of_year(worked, RANK)
    assert reasons(found, "numerator") == {"8/QĐ": "declared"}
    assert (found.numerator, found.denominator, found.agrees) == (12, 1, True)
    with open_published(worked) as warehouse:
        line = warehouse.rows(
            "select value, status, document_number from mart.scorecard"
            " where indicator_code = :rank",
            {"rank": RANK},
        )
    assert [tuple(row.values()) for row in line] == [(12, "no_target", "8/QĐ")]


@pytest.mark.parametrize(
    ("indicator", "unit", "method", "message"),
    [
        ("level4_provision_rate", DISTRICT, None, "is a figure of a level of government"),
        (
            "digitisation_rollout_district",
            "CITY",
            None,
            "of one level: Districts; ask for DISTRICT",
        ),
        ("digitisation_rollout_district", DISTRICT, None, "ask for DISTRICT"),
        ("counter_waiting_time", "CITY", "median", "no method median; there are visit_mean,"),
        (TASKS, "CITY", "cohort", "no method cohort; there are declared"),
        (TASKS, "H24.98", None, "no unit H24.98"),
        ("waiting", "CITY", None, "no indicator waiting; did you mean counter_waiting_time"),
    ],
)
def test_an_unknown_figure_is_refused_with_the_valid_choices(
    worked, indicator, unit, method, message
):
    with pytest.raises(QuestionError, match=message):
        of_year(worked, indicator, unit, method=method)


def page(settings, explanation, **options):
    out = io.StringIO()
    print_explanation(settings, explanation, file=out, **options)
    return out.getvalue()


def test_a_page_shows_waits_in_minutes_in_either_language(worked):
    found = of_year(worked, "counter_waiting_time")
    text = page(worked, found)
    assert "Kết quả: 6.000 giây/4 lượt = 25 phút" in text
    assert "15/03/2022 06:50:00" in text
    assert "Result: 6,000 s/4 visits = 25 min" in page(worked, found, lang="en")


def test_a_page_without_data_says_why(worked):
    text = page(worked, of_year(worked, "results_digitised_growth"))
    assert "Kết quả: chưa có dữ liệu" in text
    assert "Kế hoạch không nêu số gốc" in text


def test_a_shortened_page_says_how_many_items_are_not_shown(worked):
    found = of_year(worked, "counter_waiting_time")
    long = replace(found, items=found.items * 100, published=None)
    assert "… và 300 phiếu nữa; --format csv" in page(worked, long)


def test_items_that_do_not_add_up_to_the_figure_are_not_listed(worked):
    found = replace(of_year(worked, "counter_waiting_time"), published=(5999, 4))
    with pytest.raises(QuestionError, match="the tickets add up to 6000/4, but 5999/4 is"):
        page(worked, found, format="csv")


def test_json_and_csv_hold_the_same_fields_of_each_item(worked):
    found = of_year(worked, TASKS)
    data = json.loads(page(worked, found, format="json"))
    rows = list(csv.DictReader(io.StringIO(page(worked, found, format="csv"))))
    assert [row["document_number"] for row in rows] == [
        item["document_number"] for item in data["declarations"]
    ]
    assert set(rows[0]) == set(data["declarations"][0])
    assert (data["published"], data["agrees"]) == ([25, 40], True)


def test_a_name_that_looks_like_a_formula_is_text_in_the_csv(worked):
    text = page(worked, of_year(worked, "procedures_published_rate"), format="csv")
    assert "'=Thủ tục 1.000008" in text
    assert ",=Thủ tục" not in text


@pytest.mark.parametrize(("name", "step"), [("visit", "no_such"), ("visit", "ticket_code")])
def test_reading_an_unknown_step_of_a_select_is_an_error(name, step):
    with pytest.raises(ValueError, match="there is no step"):
        step_text(name, step)
