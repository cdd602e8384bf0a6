"""The outlook on 31/12: each number is compared with one found by trying one after the other."""

from __future__ import annotations

import datetime as dt
import itertools
import random

import pyarrow as pa
import pytest
from plan_targets import target_of

from onestop.marts.files import mart_files, render, step_text
from onestop.marts.publish import refresh_reference
from onestop.warehouse import open_warehouse
from onestop.warehouse.staged_names import REFERENCE_STAGED, STAGED

NIGHT = dt.date(2022, 11, 24)
WINDOW, DAYS_LEFT = 91, 37
FILES = {file.name: file for file in mart_files()}
FLOW = [
    (indicator, method, target_of(indicator, NIGHT).numerator)
    for indicator, method in (("on_time_rate", "cohort"), ("online_share_level4", "channel"))
]
STOCK = [
    (indicator, "share", target_of(indicator, NIGHT, "district").numerator)
    for indicator in ("digitisation_rollout_district", "procedures_published_rate")
]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory):
    with open_warehouse(f"duckdb:///{tmp_path_factory.mktemp('o') / 'w.duckdb'}") as opened:
        refresh_reference(opened)
        yield opened


def figure(indicator, method, unit, numerator, denominator, target, comparison=">="):
    reached = numerator * 100 >= target * denominator
    return {
        "indicator_code": indicator,
        "method_code": method,
        "unit_code": unit,
        "unit_level": "district",
        "unit_scope": "unit",
        "period_type": "year_to_date",
        "period_basis": "calendar",
        "period_start": dt.date(2022, 1, 1),
        "numerator": numerator,
        "denominator": denominator,
        "value": 100.0 * numerator / denominator,
        "target": float(target),
        "comparison": comparison,
        "status": "met" if reached else "not_met",
    }


TYPES = {
    "receipt_tally": {
        "unit_level": pa.string(), "unit_code": pa.string(), "received_date": pa.date32(),
        "channel": pa.string(), "service_level": pa.int64(), "dossiers": pa.int64(),
    },
    "counted_dossier": {
        "unit_level": pa.string(), "unit_code": pa.string(), "closed_date": pa.date32(),
        "due_date": pa.date32(), "timeliness": pa.string(),
    },
    "counted_visit": {
        "unit_level": pa.string(), "unit_code": pa.string(), "issued_date": pa.date32(),
        "visit_outcome": pa.string(), "wait_seconds": pa.int64(),
    },
}  # fmt: skip


def outlook(warehouse, figures, night=NIGHT, results=None, **tables):
    """The outlook of these figures, given rows of other marts; of results, those of the night."""
    warehouse.empty_schema(STAGED)
    warehouse.put_table(f"{STAGED}.indicator_value", pa.Table.from_pylist(figures))
    for name, columns in TYPES.items():
        rows = [dict.fromkeys(columns) | row for row in tables.get(name, [])]
        schema = pa.schema(list(columns.items()))
        warehouse.put_table(f"{STAGED}.{name}", pa.Table.from_pylist(rows, schema=schema))
    judged = render(step_text("day_tally", "judged"), night, STAGED)
    warehouse.make_table(
        f"{STAGED}.day_tally",
        f"select *, 0 as results_total, 0 as results_digitised from ({judged}) as judged",
    )
    for unit, (total, digitised) in (results or {}).items():
        warehouse.execute(
            f"insert into {STAGED}.day_tally by name select 'district' as unit_level,"
            " :unit as unit_code, cast(:night as date) as event_date,"
            " :total as results_total, :digitised as results_digitised",
            {"unit": unit, "night": night, "total": total, "digitised": digitised},
        )
    measures = [PENDING | row for row in tables.get("pending", [pending("", 0)])]
    warehouse.put_table(f"{STAGED}.indicator_measure", pa.Table.from_pylist(measures))
    warehouse.make_table(f"{STAGED}.period", f"select date '{night}' as measured_on")
    for name in ("roll_up", "target_in_force", "indicator_event"):
        warehouse.make_view(f"{STAGED}.{name}", render(FILES[name].text, night, STAGED))
    found = warehouse.rows(FILES["outlook"].select(night, STAGED))
    return {(row["indicator_code"], row["unit_code"]): row for row in found}


#: The columns of mart.indicator_measure that the outlook reads.
PENDING = {
    "indicator_code": "on_time_rate",
    "method_code": "cohort",
    "unit_code": "",
    "period_type": "year_to_date",
    "period_basis": "calendar",
    "pending": None,
}


def pending(unit, dossiers):
    return {"unit_code": unit, "pending": dossiers}


def received(unit, day, dossiers, channel="counter", level=None):
    return {
        "unit_level": "district",
        "unit_code": unit,
        "received_date": day,
        "channel": channel,
        "service_level": level,
        "dossiers": dossiers,
    }


def test_the_needed_count_is_the_smallest_number_that_reaches_the_target(warehouse):
    draw = random.Random(1)
    figures, open_now = [], []
    for number in range(150):
        unit = f"U{number}"
        for indicator, method, target in FLOW + STOCK:
            denominator = draw.randint(1, 400)
            numerator = denominator - draw.choice([0, 0, 1, 2, 5, denominator // 3, denominator])
            figures.append(figure(indicator, method, unit, numerator, denominator, target))
        open_now.append(pending(unit, draw.choice([0, 3, 60, 5000])))
    figures = [row for row in figures if row["numerator"] >= 0]
    found = outlook(warehouse, figures, pending=open_now)
    assert len(found) == len(figures)
    still_open = {row["unit_code"]: row["pending"] for row in open_now}
    for row in figures:
        key = row["indicator_code"], row["unit_code"]
        n, d, p = row["numerator"], row["denominator"], int(row["target"])
        is_flow = row["method_code"] != "share"
        rest = (still_open[key[1]] if key[0] == "on_time_rate" else 0) if is_flow else d - n
        enough = next(
            k for k in itertools.count() if (n + k) * 100 >= p * (d + (k if is_flow else 0))
        )
        found_row = found[key]
        assert found_row["remaining_total"] == rest, found_row
        assert found_row["needed_count"] == enough, found_row
        assert found_row["is_still_possible"] == (enough <= rest), found_row
        if is_flow:
            may_fail = [m for m in range(rest + 1) if (n + rest - m) * 100 >= p * (d + rest)]
            assert found_row["may_still_miss"] == max(may_fail, default=None), found_row
            is_secured = n * 100 >= p * (d + rest)
            assert (found_row["outlook_code"] == "secured_by_estimate") == is_secured, found_row
        is_missed = found_row["outlook_code"] == "out_of_reach_by_estimate"
        assert is_missed == (enough > rest), found_row


def test_an_outlook_is_certain_only_where_nothing_is_estimated(warehouse):
    on_time, published = "on_time_rate", "procedures_published_rate"
    digitised = "result_digitisation_rate"
    (_, method, target), (_, _, all_of_them) = FLOW[0], STOCK[1]
    figures = [
        figure(on_time, method, "SAFE", 1000, 1000, target),
        figure(on_time, method, "OPEN", 1000, 1000, target),
        figure(on_time, method, "SHORT", 900, 1000, target),
        figure(on_time, method, "LACKING", 10 * target - 1, 1000, target),
        figure(digitised, "share", "UNDIGITISED", 900, 1000, all_of_them),
        figure(published, "share", "SAFE", 10, 10, all_of_them),
        figure(published, "share", "SHORT", 9, 10, all_of_them),
    ]
    remaining = [("SAFE", 1), ("OPEN", 2000), ("SHORT", 5), ("LACKING", 200)]
    open_now = [pending(unit, dossiers) for unit, dossiers in remaining]
    found = outlook(warehouse, figures, pending=open_now)
    assert {key: row["outlook_code"] for key, row in found.items()} == {
        (on_time, "SAFE"): "secured_by_estimate",
        (on_time, "OPEN"): "met_so_far",
        (on_time, "SHORT"): "out_of_reach_by_estimate",
        (on_time, "LACKING"): "not_met_so_far",
        (digitised, "UNDIGITISED"): "not_met_so_far",
        (published, "SAFE"): "secured",
        (published, "SHORT"): "not_met_so_far",
    }
    labels = {
        row["outlook_code"]: row
        for row in warehouse.rows("select * from ref.outlook_code order by outlook_code")
    }
    for code, row in labels.items():
        is_estimate = code.endswith("_by_estimate")
        assert ("(ước tính)" in row["label_vi"]) == is_estimate
        assert ("(estimated)" in row["label_en"]) == is_estimate
    assert {row["projection_code"] for row in found.values()} == {"as_it_stands"}
    for code in ("met_so_far", "not_met_so_far"):
        assert "Không ước tính" in labels[code]["definition_vi"]
        assert "not estimated" in labels[code]["definition_en"]


def test_new_dossiers_are_expected_at_the_pace_of_the_last_thirteen_weeks(warehouse):
    receipts = [
        received("U", NIGHT - dt.timedelta(days=WINDOW), 1000),  # the day before the window
        received("U", NIGHT - dt.timedelta(days=WINDOW - 1), 50),
        received("U", NIGHT, 41),
    ]
    dossiers = [
        {"unit_level": "district", "unit_code": "U", **row}
        for row in [
            {"timeliness": "on_time", "closed_date": NIGHT},
            {"timeliness": "early", "closed_date": NIGHT - dt.timedelta(days=WINDOW)},
            # overdue since a day in the window: it counts there although it is still open
            {"timeliness": "open_overdue", "due_date": NIGHT - dt.timedelta(days=1)},
            # overdue since before the window and closed in it: it does not count
            {
                "timeliness": "late",
                "due_date": NIGHT - dt.timedelta(days=200),
                "closed_date": NIGHT,
            },
        ]
    ]
    found_row = outlook(
        warehouse,
        [figure("on_time_rate", "cohort", "U", 98, 100, 98)],
        receipt_tally=receipts,
        counted_dossier=dossiers,
        pending=[pending("U", 7)],
    )["on_time_rate", "U"]
    assert found_row["expected_new"] == 91 * DAYS_LEFT // WINDOW
    assert found_row["remaining_total"] == 7 + DAYS_LEFT
    assert (found_row["recent_numerator"], found_row["recent_denominator"]) == (1, 2)
    assert (found_row["projected_numerator"], found_row["projected_denominator"]) == (
        98 + 22,
        100 + 44,
    )
    assert found_row["projection_code"] == "run_rate"
    assert found_row["projection_vi"]
    assert found_row["outlook_code"] == "at_risk"


@pytest.mark.parametrize("target", [80, 98, 100])
def test_a_result_that_was_not_digitised_can_still_be(target):
    draw = random.Random(target)
    indicator = "result_digitisation_rate"
    figures, results = [], {}
    for number in range(40):
        unit, denominator = f"U{number}", draw.randint(5, 400)
        numerator = denominator - draw.choice([0, 1, 5, denominator])
        figures.append(figure(indicator, "share", unit, numerator, denominator, target))
        results[unit] = draw.choice([(0, 0), (20, 13), (WINDOW, WINDOW // 2)])
    with open_warehouse("duckdb://") as warehouse:
        refresh_reference(warehouse)
        warehouse.execute(
            f"update {REFERENCE_STAGED}.target set target_numerator = :target"
            " where indicator_code = :code",
            {"target": target, "code": indicator},
        )
        found = outlook(warehouse, figures, results=results)
    for row in figures:
        n, d, unit = row["numerator"], row["denominator"], row["unit_code"]
        recent, digitised = results[unit]
        coming = recent * DAYS_LEFT // WINDOW
        rest, end = d - n + coming, d + coming
        enough = next(k for k in itertools.count() if (n + k) * 100 >= target * end)
        may_fail = max(m for m in range(rest + 1) if (n + rest - m) * 100 >= target * end)
        found_row = found[indicator, unit]
        assert found_row["remaining_total"] == rest, found_row
        assert found_row["needed_count"] == enough, found_row
        assert found_row["may_still_miss"] == may_fail, found_row
        assert found_row["is_still_possible"] is True, found_row
        is_secured = found_row["outlook_code"] == "secured_by_estimate"
        assert is_secured == (n * 100 >= target * end), found_row
        kept = coming * digitised // recent if recent else 0
        projected = (found_row["projected_numerator"], found_row["projected_denominator"])
        assert projected == (n + kept, end), found_row


def test_on_the_last_day_nothing_new_is_expected(warehouse):
    found_row = outlook(
        warehouse,
        [figure("online_share_level4", "channel", "U", 30, 100, 30)],
        night=dt.date(2022, 12, 31),
        receipt_tally=[received("U", dt.date(2022, 12, 30), 9, "online", 4)],
    )["online_share_level4", "U"]
    assert (found_row["expected_new"], found_row["outlook_code"]) == (0, "secured")


def test_the_outlook_gives_the_longest_mean_wait_of_the_remaining_visits(warehouse):
    visits = [
        {"unit_level": "district", "unit_code": "U", "issued_date": NIGHT,
         "visit_outcome": "called", "wait_seconds": 2400}
        for _ in range(WINDOW)
    ]  # fmt: skip
    row = figure("counter_waiting_time", "visit_mean", "U", 100 * 2000, 100, 0, "<=")
    found_row = outlook(warehouse, [row], counted_visit=visits)["counter_waiting_time", "U"]
    assert found_row["expected_new"] == DAYS_LEFT
    assert found_row["may_wait_seconds"] == (1800 * (100 + DAYS_LEFT) - 200_000) // DAYS_LEFT
    assert found_row["is_still_possible"] is True
    assert found_row["outlook_code"] == "at_risk"
    hopeless = figure("counter_waiting_time", "visit_mean", "U", 100 * 3000, 100, 0, "<=")
    found_row = outlook(warehouse, [hopeless], counted_visit=visits)["counter_waiting_time", "U"]
    assert (found_row["is_still_possible"], found_row["outlook_code"]) == (
        False,
        "out_of_reach_by_estimate",
    )


def test_a_target_to_be_exceeded_needs_one_more_than_the_denominator(warehouse):
    row = figure("budget_revenue_rate", "declared", "CITY", 90, 100, 100, ">")
    found_row = outlook(warehouse, [row])["budget_revenue_rate", "CITY"]
    assert (found_row["needed_count"], found_row["is_still_possible"]) == (11, True)


def test_a_figure_without_data_has_no_outlook(warehouse):
    row = {**figure("on_time_rate", "cohort", "U", 1, 2, 98), "numerator": 0, "denominator": 0}
    assert outlook(warehouse, [row]) == {}
