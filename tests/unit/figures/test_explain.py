from __future__ import annotations

import csv
import datetime as dt
import io
import json
from dataclasses import replace

import duckdb
import pytest
from published_marts import settings_in
from worked_dossiers import LATER, NIGHT, UNIT, publish_thirteen

from onestop.figures.explain import explain, print_explanation
from onestop.figures.form_06a import read_form_06a
from onestop.marts.published import NothingPublishedError, QuestionError

QUARTER = (dt.date(2022, 4, 1), dt.date(2022, 6, 30))


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return publish_thirteen(settings_in(tmp_path_factory.mktemp("thirteen")))


@pytest.fixture(scope="module")
def later(tmp_path_factory):
    return publish_thirteen(settings_in(tmp_path_factory.mktemp("later")), until=LATER)


def of_quarter(settings, method="cohort", unit=UNIT, as_of=None):
    return explain(settings, "on_time_rate", unit, *QUARTER, method, as_of)


def codes(explanation, role):
    return [d.code for d in explanation.items if d.role == role]


@pytest.mark.parametrize(
    ("method", "numerator", "denominator"),
    [("cohort", 3, 7), ("form_06", 6, 8), ("qd_766", 6, 11), ("load", 8, 12), ("due", 4, 8)],
)
def test_the_thirteen_dossiers_give_the_known_fraction(settings, method, numerator, denominator):
    found = of_quarter(settings, method)
    assert (found.numerator, found.denominator) == (numerator, denominator)


def test_the_cohort_lists_counted_and_excluded_dossiers(settings):
    found = of_quarter(settings)
    assert codes(found, "numerator") == ["D2", "D4", "D6"]
    assert codes(found, "denominator") == ["D12", "D3", "D5", "D9"]
    assert {d.code: d.reason_code for d in found.items if d.role == "left_out"} == {
        "D7": "withdrawn",
        "D8": "refused_at_intake",
        "D10": "open_in_time",
        "D11": "paused_overdue",
        "D13": "resolved_no_due_date",
    }


def test_a_dossier_received_before_the_span_belongs_to_the_form_and_not_to_the_cohort(settings):
    assert "D1" not in {d.code for d in of_quarter(settings).items}
    assert "D1" in codes(of_quarter(settings, "form_06"), "numerator")


@pytest.mark.parametrize("unit", ["CITY", "DISTRICT"])
def test_a_level_and_the_city_list_the_dossiers_of_their_units(settings, unit):
    assert of_quarter(settings, unit=unit).items == of_quarter(settings).items


def test_each_dossier_names_the_file_and_row_it_was_read_from(settings):
    found = {d.code: d for d in of_quarter(settings).items}
    assert (found["D3"].file_name, found["D3"].row_number) == ("dossiers_20220630.json", 3)
    assert found["D3"].delivery_id == "one_stop.dossiers.20220630.000000000000"


def test_reasons_are_given_in_both_languages_with_their_dates(settings):
    late = next(d for d in of_quarter(settings).items if d.code == "D3")
    assert late.reason_vi == "Giải quyết xong ngày 27/04/2022, sau hạn 26/04/2022"
    assert late.reason_en == "Resolved 27 Apr 2022, after 26 Apr 2022"


def test_a_dossier_closed_after_the_span_was_still_open_in_it(later):
    found = of_quarter(later, as_of=LATER)
    assert (found.numerator, found.denominator) == (3, 7)
    reasons = {d.code: d.reason_code for d in found.items}
    assert reasons["D12"] == "open_overdue"
    assert reasons["D11"] == "paused_overdue"


def test_an_earlier_night_is_explained_from_what_was_known_then(later):
    july = (dt.date(2022, 6, 1), dt.date(2022, 7, 31))
    now = explain(later, "on_time_rate", UNIT, *july, "cohort")
    then = explain(later, "on_time_rate", UNIT, *july, "cohort", NIGHT)
    assert "D11" in codes(now, "numerator")
    assert {d.code: d.reason_code for d in then.items}["D11"] == "paused_overdue"
    assert then.as_of == NIGHT


def test_a_late_file_is_not_part_of_earlier_nights(tmp_path):
    settings = publish_thirteen(settings_in(tmp_path), until=LATER, with_late_file=True)
    now, then = of_quarter(settings, as_of=LATER), of_quarter(settings, as_of=NIGHT)
    assert (now.numerator, then.numerator) == (4, 3)
    assert {d.code: d.file_name for d in now.items}["D9"] == "dossiers_20220630_2.json"
    assert {d.code: d.reason_code for d in then.items}["D9"] == "open_overdue"


def test_the_published_figure_is_compared(settings):
    assert of_quarter(settings).agrees is True
    assert of_quarter(settings, "due").agrees is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("waiting", UNIT, *QUARTER), "no indicator waiting; did you mean counter_waiting_time"),
        (("on_time_rate", "H24.99", *QUARTER), "no unit H24.99"),
        (("on_time_rate", "x' or '1'='1", *QUARTER), "no unit"),
        (
            ("on_time_rate", UNIT, *QUARTER, "guess"),
            "no method guess; all are listed in docs",
        ),
        (("on_time_rate", UNIT, *reversed(QUARTER)), "before it begins"),
    ],
)
def test_an_unknown_name_or_reversed_period_is_refused_with_the_valid_choices(
    settings, arguments, message
):
    with pytest.raises(QuestionError, match=message):
        explain(settings, *arguments)


def test_a_night_that_is_not_published_cannot_be_explained(settings):
    with pytest.raises(NothingPublishedError):
        of_quarter(settings, as_of=dt.date(2022, 6, 1))


def page(settings, explanation, **options):
    out = io.StringIO()
    print_explanation(settings, explanation, file=out, **options)
    return out.getvalue()


def test_the_page_groups_the_dossiers_and_shows_the_figure(settings):
    text = page(settings, of_quarter(settings))
    assert "Kết quả: 3/7 = 42,85 %" in text
    assert "Khớp với số đã công bố." in text
    assert "Không tính: 5" in text
    assert "dossiers_20220630.json, 3" in text


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_dossiers_that_do_not_add_up_to_the_published_figure_are_not_listed(settings, form):
    found = replace(of_quarter(settings), published=(4, 7))
    with pytest.raises(QuestionError, match="add up to 3/7, but 4/7 is published"):
        page(settings, found, format=form)


def test_an_online_share_names_each_dossier_with_its_channel_or_level(settings):
    found = explain(settings, "online_share_level34", UNIT, *QUARTER)
    assert (found.method_code, found.numerator, found.denominator) == ("channel", 3, 6)
    assert codes(found, "numerator") == ["D10", "D2", "D6"]
    assert codes(found, "denominator") == ["D11", "D12", "D5"]
    reasons = {d.code: d.reason_code for d in found.items}
    assert (reasons["D5"], reasons["D12"], reasons["D3"]) == ("by_post", "by_counter", "level_2")
    assert reasons["D8"] == "refused_at_intake"


def test_the_method_without_post_leaves_out_posted_dossiers(settings):
    found = explain(settings, "online_share_level3", UNIT, *QUARTER, method="channel_without_post")
    assert codes(found, "numerator") == ["D6"]
    assert codes(found, "denominator") == ["D12"]
    assert "D5" in codes(found, "left_out")


def test_the_digitised_share_leaves_out_dossiers_that_state_no_digitisation(settings):
    found = explain(settings, "result_digitisation_rate", UNIT, *QUARTER)
    reasons = {d.code: d.reason_code for d in found.items}
    # the source of the worked dossiers never states digitisation
    unstated = sorted(code for code, why in reasons.items() if why == "digitisation_unstated")
    assert unstated == ["D1", "D13", "D2", "D3", "D4", "D5", "D6"]
    assert (found.numerator, found.denominator, reasons["D7"]) == (0, 0, "withdrawn")


def test_json_and_csv_hold_every_dossier(settings):
    found = of_quarter(settings)
    data = json.loads(page(settings, found, format="json"))
    assert (data["numerator"], data["denominator"], len(data["dossiers"])) == (3, 7, 12)
    rows = list(csv.DictReader(io.StringIO(page(settings, found, format="csv"))))
    assert [row["dossier_code"] for row in rows] == [d.code for d in found.items]


def test_items_that_failed_come_first_and_can_be_listed_alone(settings):
    found = of_quarter(settings)
    text = page(settings, found, lang="en")
    assert text.index("denominator only: 4") < text.index("numerator and denominator: 3")
    late = page(settings, found, format="csv", role="denominator")
    assert {row["role"] for row in csv.DictReader(io.StringIO(late))} == {"denominator"}
    short = json.loads(page(settings, found, format="json", limit=1))
    assert [item["role"] for item in short["dossiers"]] == ["denominator", "numerator", "left_out"]
    assert (short["numerator"], short["denominator"]) == (3, 7)
    table = page(settings, found, lang="en", role="denominator", limit=3)
    assert "Left out" not in table
    assert "… and 1 dossier more" in table


@pytest.mark.parametrize("width", [80, 120])
def test_a_page_fits_its_width_and_has_every_fact(settings, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    text = page(settings, of_quarter(settings))
    assert max(map(len, text.splitlines())) <= width
    late = next(d for d in of_quarter(settings).items if d.code == "D3")
    for fact in ("received_date", "due_date", "closed_date"):
        assert f"{late.facts[fact]:%d/%m/%Y}" in text
    assert "dossiers_20220630.json, 3" in text


def test_a_code_that_looks_like_a_formula_is_text_in_the_csv(settings):
    found = of_quarter(settings)
    hostile = replace(found.items[0], code="=cmd|'/c calc'!A0")
    text = page(settings, replace(found, items=(hostile,), published=None), format="csv")
    assert "'=cmd" in text
    assert "\n=cmd" not in text


@pytest.fixture
def of_earlier_release(tmp_path):
    """A readers' copy as an earlier release published it."""
    settings = publish_thirteen(settings_in(tmp_path))
    settings.published.chmod(0o644)
    with duckdb.connect(settings.published) as copy:
        copy.execute("drop table audit.reference_version")
        copy.execute("drop table ref.period_class")
        copy.execute("drop table ref.decree_check")
        copy.execute("delete from ref.method where method_code = 'cohort_first_due'")
        copy.execute("alter table mart.form_06a_history drop column returned_late")
    return settings


def test_what_an_earlier_release_published_is_explained_after_the_next_night(of_earlier_release):
    with pytest.raises(QuestionError, match="an earlier release published the last night"):
        of_quarter(of_earlier_release)
    with pytest.raises(QuestionError, match="an earlier release published the last night"):
        explain(of_earlier_release, "online_share_level34", UNIT, *QUARTER)


def test_the_form_of_an_earlier_release_states_no_returned_dossiers(of_earlier_release):
    form = read_form_06a(of_earlier_release, UNIT, *QUARTER)
    assert form.returned is None
    assert form.total.resolved_total == 8
