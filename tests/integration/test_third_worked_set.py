"""The third worked set, from exported files to figures, against figures worked out by hand.

June 2022 in one district, 21 dossiers, as of 30/06 (received → due → ended; M: due date moved):

R1 01→20→14 returned      W1 01→20→14 withdrawn   X1 01→16 M14:22→21   T1 02→16→16
R2 01→14→14 returned      W2 01→14→14 withdrawn   X2 01→16 M14:22      T2 02→16→16
R3 01→10→14 returned      W3 01→10→14 withdrawn      M16:28→28         T3 07→14→14
R4 01→none→14 returned    W4 01→none→14 withdrawn X3 01→14 M14:20→17   T4 07→15→14
S1 01→20, supplement 14,  S2 13→20, supplement 14 X4 01→10 M14:20→open T5 07→14→14
   M15:29→29              S3 07→14, supplement    X5 01→22 M14:21→20
                             between 11 and 13
"""

from __future__ import annotations

import io
import shutil
from dataclasses import replace

import duckdb
import pytest
import third_worked_set as worked_set
from published_marts import settings_in
from reference_comparison import compare_everything
from reference_figures import FORM_COLUMNS, RETURNED, count_everything
from third_worked_set import DISTRICT, MONTH_END

from onestop.figures.explain import explain, print_explanation
from onestop.figures.form_06a import read_form_06a
from onestop.marts.published import open_published
from onestop.night import run_night
from onestop.schema.reference import REFERENCE_FOLDER, read_reference
from onestop.upkeep.verify import verify

JUNE = (MONTH_END.replace(day=1), MONTH_END)
DAYS_OFF = {
    row["calendar_date"]: row["day_kind"] for row in read_reference(REFERENCE_FOLDER)["day_off"]
}


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def settings(request, tmp_path_factory):
    settings = settings_in(tmp_path_factory.mktemp("third"))
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        settings = replace(settings, warehouse=server.make_database())
    worked_set.write_exports(settings.exports)
    report = run_night(settings, MONTH_END)
    assert report.is_good, (report.message, report.deliveries)
    return settings


def ask(settings, query):
    with open_published(settings) as warehouse:
        return [tuple(row.values()) for row in warehouse.rows(query)]


def test_every_figure_equals_the_count_in_plain_python(settings):
    with open_published(settings) as warehouse:
        figures = count_everything(worked_set.third_world(), MONTH_END, DAYS_OFF, worked_set.NIGHTS)
        found = compare_everything(warehouse, "mart", figures, MONTH_END, DAYS_OFF)
    assert not found.differences, str(found)
    assert found.figures > 1_000


def test_the_figures_come_out_the_same_from_the_landed_files_alone(settings):
    result = verify(settings, MONTH_END)
    assert result.is_identical, result.differences


def test_a_changed_reading_of_a_published_verdict_is_found(settings, tmp_path):
    if not settings.warehouse.startswith("duckdb"):
        pytest.skip("PostgreSQL refuses such a change")
    published = tmp_path / "onestop.duckdb"
    shutil.copyfile(settings.published, published)
    with duckdb.connect(published) as connection:
        connection.execute(
            "update mart.indicator_history set turned_by = 'due'"
            f" where unit_code = '{DISTRICT}' and turned_by is not null"
            " and period_type = 'month' and period_basis = 'calendar'"
        )
    result = verify(replace(settings, published=published), MONTH_END)
    [difference] = result.differences
    assert difference.startswith("readings and issues of on_time_rate by cohort of H24.31, month")
    assert "published depends due, counted depends form_06_thanh_hoa" in difference


#: In time by the current due date: R1, R2, X1, X2, X3, X5, S1, T1–T5.
#: Missed: R3 and W3, ended after their due date; X4, open and overdue.
#: Neither: W1, W2 withdrawn by their due date; R4, W4 without one; S2, S3 waiting for a supplement.
RATES = {
    "cohort": (12, 15),
    # X1, X2, X3, S1 ended after their first due date
    "cohort_first_due": (8, 15),
    # closed: all but X4, S2, S3; late R3, W3
    "form_06": (16, 18),
    # a returned or withdrawn one is on time on any day
    "form_06_thanh_hoa": (18, 18),
    # of all received; R4, W1, W2, W4 in time, S2, S3, X4, R3, W3 not
    "qd_766": (16, 21),
    # of all received, less R3, W3, X4
    "load": (18, 21),
    # all but R4, W4 were due; W1, W2, S2, S3 are excluded
    "due": (12, 15),
}


def test_each_method_gives_the_known_rate(settings):
    found = ask(
        settings,
        "select method_code, numerator, denominator from mart.indicator_value"
        f" where indicator_code = 'on_time_rate' and unit_code = '{DISTRICT}'"
        " and period_type = 'month' and period_basis = 'calendar'"
        " and period_start = date '2022-06-01'",
    )
    assert {method: (n, of) for method, n, of in found} == RATES


@pytest.mark.parametrize("method", RATES)
def test_the_dossiers_listed_for_a_rate_add_up_to_it(settings, method):
    found = explain(settings, "on_time_rate", DISTRICT, *JUNE, method)
    assert found.published == (found.numerator, found.denominator) == RATES[method]


#: The readings that differ from a method, from the same dossiers.
READINGS = {
    # without R1, R2 and R3
    "cohort_returned_left_out": (10, 12),
    # R3 is in time, and R4 joins it
    "cohort_returned_on_time": (14, 16),
    # without W3
    "cohort_withdrawn_left_out": (12, 14),
    # W3 is in time, and W1, W2, W4 join it
    "cohort_withdrawn_on_time": (16, 18),
    # S2 and S3 are missed: due on 20/06 and 14/06
    "cohort_pauses_judged": (12, 17),
    # R4 is in time; W4 was withdrawn
    "cohort_undated_on_time": (13, 16),
    # without X4
    "cohort_ended_only": (12, 14),
    # without R1, R2, R3, R4
    "form_06_returned_left_out": (13, 14),
    # without W1, W2, W3, W4
    "form_06_withdrawn_left_out": (13, 14),
    # S2 and S3 too
    "qd_766_paused_in_time": (18, 21),
    # R3, R4 and all W are in time, X4 is out
    "cohort_most_lenient": (18, 18),
}


def test_each_reading_gives_the_known_rate_and_only_two_of_them_meet_the_target(settings):
    found = ask(
        settings,
        "select reading_code, numerator, denominator, turns_verdict from mart.indicator_variant"
        f" where unit_code = '{DISTRICT}' and period_type = 'month'"
        " and period_basis = 'calendar' and period_start = date '2022-06-01'",
    )
    assert {reading: (n, of) for reading, n, of, _ in found} == RATES | READINGS
    turning = {reading for reading, *_, turns in found if turns}
    assert turning == {"form_06_thanh_hoa", "cohort_most_lenient"}


def test_a_verdict_that_depends_on_the_reading_names_the_readings_in_their_order(settings):
    found = ask(
        settings,
        "select method_code, firmness, turned_by from mart.indicator_value"
        f" where indicator_code = 'on_time_rate' and unit_code = '{DISTRICT}'"
        " and period_type = 'month' and period_basis = 'calendar'"
        " and period_start = date '2022-06-01' and firmness is not null",
    )
    assert found == [("cohort", "depends", "form_06_thanh_hoa cohort_most_lenient")]


@pytest.mark.parametrize("reading", READINGS)
def test_the_dossiers_listed_for_a_reading_add_up_to_it(settings, reading):
    found = explain(settings, "on_time_rate", DISTRICT, *JUNE, reading)
    assert found.published == (found.numerator, found.denominator) == READINGS[reading]


def test_each_returned_or_withdrawn_dossier_states_why_it_counts_or_not(settings):
    found = {d.code: d for d in explain(settings, "on_time_rate", DISTRICT, *JUNE).items}
    reasons = {code: (item.role, item.reason_code) for code, item in found.items()}
    assert {code: why for code, why in reasons.items() if code[0] in "RW"} == {
        "R1": ("numerator", "returned_early"),
        "R2": ("numerator", "returned_on_time"),
        "R3": ("denominator", "returned_late"),
        "R4": ("left_out", "returned_no_due_date"),
        "W1": ("left_out", "withdrawn"),
        "W2": ("left_out", "withdrawn"),
        "W3": ("denominator", "withdrawn_late"),
        "W4": ("left_out", "withdrawn"),
    }
    assert found["R3"].reason_vi == (
        "Trả lại, không giải quyết, ngày 14/06/2022, sau hạn 10/06/2022"
    )
    assert found["W3"].reason_en == "Withdrawn 14 Jun 2022, when overdue since 10 Jun 2022"


def test_the_reason_by_the_first_due_date_names_the_first_due_date(settings):
    found = explain(settings, "on_time_rate", DISTRICT, *JUNE, "cohort_first_due").items
    moved = next(item for item in found if item.code == "X2")
    assert moved.reason_code == "late"
    assert moved.reason_vi == "Giải quyết xong ngày 28/06/2022, sau hạn 16/06/2022"


def test_form_06a_of_june_counts_returned_dossiers_by_their_due_dates(settings):
    # (8) R1, X1, X3, X5, T4. (9) R2, R4, W1, W2, W4, X2, S1, T1, T2, T3, T5. (10) R3, W3.
    # (12) S2, S3. (13) X4. Returned: R1; R2, R4; R3.
    columns = ", ".join((*FORM_COLUMNS, *RETURNED))
    found = ask(
        settings,
        f"select {columns} from mart.form_06a_history where unit_code = '{DISTRICT}'"
        " and field_code = 'ALL' and period_type = 'month' and period_basis = 'calendar'"
        " and period_start = date '2022-06-01'",
    )
    assert found == [(21, 0, 21, 0, 18, 5, 11, 2, 3, 2, 1, 1, 2, 1)]
    form = read_form_06a(settings, DISTRICT, *JUNE)
    assert form.returned == (1, 2, 1)
    assert form.identities_hold


CHECKS = {
    # received 01/06 (S1) and 07/06 (S3): asked for by 06/06 and 10/06. S1 was asked on 14/06, the
    # day after the last export; S3 on 11, 12 or 13/06. S2 was asked one day after receipt.
    "supplement_late": (["S1"], ["S3"]),
    # X2 on 16/06, for the second time
    "extended_twice": (["X2"], []),
    # on 14/06: X3 on the day it was due, X4 four days after; X1, X2 two days before it. S1 had
    # waited for a supplement; X5 was moved to an earlier day.
    "extended_late": (["X3", "X4"], []),
    "closed_out_overdue": (["R3", "W3"], []),
    # received on 02/06 under a code of 01/06
    "code_date_differs": (["H24.31-220601-0002"], []),
    # at 15:01 with five working days, due on 14/06: T4 is due a day later, T5 came at 15:00
    "counted_from_same_day": ([], ["T3"]),
}


@pytest.mark.parametrize("check", CHECKS)
def test_each_check_finds_the_known_dossiers_and_counts_the_certain_findings(settings, check):
    certain, possible = CHECKS[check]
    for unit in (DISTRICT, "DISTRICT", "CITY"):
        found = explain(settings, check, unit, *JUNE)
        assert [item.code for item in found.items if item.role == "numerator"] == certain
        assert [item.code for item in found.items if item.role == "left_out"] == possible
        assert found.published == (len(certain), len(certain))
        assert found.agrees is True


def test_a_finding_states_its_days_and_its_file_and_row(settings):
    [late, _] = explain(settings, "supplement_late", DISTRICT, *JUNE).items
    assert late.reason_vi == (
        "Nhận ngày 01/06/2022, yêu cầu bổ sung chậm nhất đến ngày 06/06/2022;"
        " hệ thống ghi ngày 14/06/2022"
    )
    assert (late.file_name, late.row_number) == ("dossiers_20220614.json", 14)


def test_a_possible_finding_states_why_it_is_not_certain(settings):
    [_, possible] = explain(settings, "supplement_late", DISTRICT, *JUNE).items
    assert possible.reason_en == (
        "Received 7 Jun 2022, supplement to be asked for by 10 Jun 2022; recorded 13 Jun 2022."
        " Not certain: the previous export of the source was on 10 Jun 2022"
    )
    [by_catalogue] = explain(settings, "counted_from_same_day", DISTRICT, *JUNE).items
    assert by_catalogue.reason_vi.endswith("so với thời hạn trong danh mục thủ tục")


@pytest.mark.parametrize(
    ("check", "lang", "expected"),
    [
        ("extended_late", "vi", "Kết quả: 2 hồ sơ"),
        ("extended_late", "en", "Result: 2 dossiers"),
        ("extended_twice", "en", "Result: 1 dossier"),
    ],
)
def test_the_page_of_a_check_shows_its_clause_and_its_count(settings, check, lang, expected):
    out = io.StringIO()
    found = explain(settings, check, DISTRICT, *JUNE)
    print_explanation(settings, found, lang, file=out)
    assert expected in out.getvalue().splitlines()
    article = {"vi": "Điều", "en": "Article"}[lang]
    assert f"NĐ 61/2018/NĐ-CP {article} 19.9" in out.getvalue()


def test_a_span_without_findings_lists_none_and_is_not_no_data(settings):
    span = (JUNE[0], JUNE[0])
    found = explain(settings, "extended_late", DISTRICT, *span)
    assert (found.items, found.no_data_reason_vi, found.published) == ((), None, None)


def test_each_move_of_a_due_date_is_listed_with_its_kind(settings):
    found = ask(
        settings,
        "select dossier_code, move_number, move_kind, cast(due_date_before as varchar),"
        " cast(due_date_after as varchar) from mart.due_date_move order by 1, 2",
    )
    assert [(code, n, kind, before[-2:], after[-2:]) for code, n, kind, before, after in found] == [
        ("S1", 1, "after_supplement", "20", "29"),
        ("X1", 1, "extension", "16", "22"),
        ("X2", 1, "extension", "16", "22"),
        ("X2", 2, "extension", "22", "28"),
        ("X3", 1, "extension", "14", "20"),
        ("X4", 1, "extension", "10", "20"),
        ("X5", 1, "brought_forward", "22", "21"),
    ]


def test_closing_an_overdue_dossier_without_a_result_is_a_sign(settings):
    found = ask(
        settings,
        "select dossier_code, change_kind, strength, days_overdue, has_turned_on_time"
        " from mart.changed_after_overdue order by 1, 2",
    )
    assert found == [
        ("R3", "closed_out_overdue", "strong", 4, False),
        ("W3", "closed_out_overdue", "strong", 4, False),
        # its due date was moved when it had passed; it is overdue again
        ("X4", "due_moved_later", "strong", 4, False),
    ]
