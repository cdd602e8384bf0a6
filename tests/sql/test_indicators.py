"""Each indicator's SELECT: a few rows that an analyst can count, and what must come out."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from onestop.feeds import FEEDS
from onestop.marts import compute_marts
from onestop.settings import LOCAL_ZONE
from onestop.warehouse import open_warehouse

NIGHT = dt.date(2022, 6, 30)
SINCE = dt.date(2022, 1, 1)
DISTRICT, COMMUNE = "H24.31", "H24.31.05"


def clock(text):
    return dt.datetime.fromisoformat(f"2022-06-{text}").replace(tzinfo=LOCAL_ZONE)


def put(warehouse, entity, *rows):
    """Rows that hold since the beginning of the year."""
    feed = next(feed for feed in FEEDS.values() if feed.entity == entity)
    for number, row in enumerate(rows, start=1):
        full = dict.fromkeys(feed.column_names) | {
            "valid_from": SINCE,
            "valid_to": None,
            "delivery_id": f"one_stop.{feed.name}.20220101.000000000000",
            "row_number": number,
            "content_hash": str(row),
            **row,
        }
        for column in feed.columns:
            if column.derived_from and full[column.derived_from] and not full[column.name]:
                full[column.name] = full[column.derived_from].date()
        warehouse.append(f"core.{entity}_history", pa.Table.from_pylist([full]))


def dossier(code, **values):
    return {
        "dossier_code": code,
        "procedure_code": "1.000001",
        "resolving_unit_code": DISTRICT,
        "channel": "counter",
        "status": "processing",
        "received_at": clock("02 09:00:00"),
        "received_date": dt.date(2022, 6, 2),
        "due_date": dt.date(2022, 7, 29),
        **values,
    }


def resolved(code, **values):
    ended = {"status": "resolved", "closing_class": "resolved"}
    return dossier(code, resolved_at=clock("10 09:00:00"), **{**ended, **values})


def ticket(code, issued, called=None, **values):
    return {
        "ticket_code": code,
        "unit_code": DISTRICT,
        "ticket_status": "completed" if called else "no_show",
        "issued_at": clock(issued),
        "called_at": clock(called) if called else None,
        **values,
    }


@pytest.fixture
def warehouse(tmp_path):
    with open_warehouse(f"duckdb:///{tmp_path / 'w.duckdb'}") as opened:
        put(
            opened,
            "unit",
            {
                "unit_code": DISTRICT,
                "unit_level": "district",
                "has_one_stop": True,
                "digitisation_date": dt.date(2022, 3, 1),
            },
            {
                "unit_code": COMMUNE,
                "unit_level": "commune",
                "has_one_stop": True,
                "digitisation_date": dt.date(2022, 9, 1),
            },
        )
        yield opened


def figure(warehouse, indicator, unit="CITY", method=None, period="year_to_date"):
    rows = warehouse.rows(
        "select numerator, denominator, status, coverage from mart_staged.indicator_value"
        " where indicator_code = :indicator and unit_code = :unit and period_type = :period"
        " and period_basis = 'calendar' and (:method is null or method_code = :method)"
        " order by period_start desc limit 1",
        {"indicator": indicator, "unit": unit, "period": period, "method": method},
    )
    return (rows[0]["numerator"], rows[0]["denominator"]) if rows else None


def test_online_is_a_matter_of_the_channel_and_not_of_the_level(warehouse):
    put(
        warehouse,
        "dossier",
        dossier("A", service_level=4, channel="online"),
        dossier("B", service_level=4, channel="counter"),
        dossier("C", service_level=3, channel="post"),
        dossier("D", service_level=3, channel="online"),
        dossier("E", service_level=2, channel="counter"),
        dossier("F", service_level=4, channel="online", status="refused_at_intake"),
    )
    compute_marts(warehouse, NIGHT)
    shares = {
        name: figure(warehouse, f"online_share_{name}", method="channel")
        for name in ("level3", "level4", "level34", "all")
    }
    assert shares == {"level3": (1, 2), "level4": (1, 2), "level34": (2, 4), "all": (2, 5)}
    assert figure(warehouse, "online_share_level34", method="channel_without_post") == (2, 3)


def test_a_dossier_without_a_level_takes_the_catalogue_s(warehouse):
    put(warehouse, "procedure", {"procedure_code": "1.000001", "service_level": 3})
    put(warehouse, "dossier", dossier("A", channel="online"))
    compute_marts(warehouse, NIGHT)
    assert figure(warehouse, "online_share_level3", method="channel") == (1, 1)


def test_a_transferred_ticket_waits_in_the_same_coming(warehouse):
    put(
        warehouse,
        "visit",
        ticket("1", "15 08:00:00", "15 08:10:00"),
        ticket("2", "15 08:20:00", "15 08:25:00", transferred_from="1"),
        ticket("3", "15 09:00:00", "15 09:45:00"),
        ticket("4", "15 10:00:00"),
    )
    compute_marts(warehouse, NIGHT)
    assert figure(warehouse, "counter_waiting_time") == (15 * 60 + 45 * 60, 2)
    row = warehouse.rows(
        "select visits_total, visits_called, visits_within_30_minutes, units_with_tickets,"
        " units_with_desk from mart_staged.waiting_time where unit_code = 'CITY'"
        " and period_type = 'year_to_date' and period_basis = 'calendar'"
    )[0]
    assert tuple(row.values()) == (3, 2, 1, 1, 2)


def test_a_unit_without_tickets_has_no_waiting_time(warehouse):
    put(warehouse, "visit", ticket("1", "15 08:00:00", "15 08:10:00"))
    compute_marts(warehouse, NIGHT)
    assert figure(warehouse, "counter_waiting_time", COMMUNE) is None
    line = warehouse.rows(
        "select status, no_data_reason_vi from mart_staged.scorecard"
        " where indicator_code = 'counter_waiting_time' and unit_code = 'COMMUNE'"
    )[0]
    assert line["status"] == "no_data"
    assert line["no_data_reason_vi"]


def test_results_without_a_document_are_left_out_of_digitisation(warehouse):
    put(
        warehouse,
        "procedure",
        {"procedure_code": "1.000001", "has_result": True},
        {"procedure_code": "1.000002", "has_result": False},
    )
    put(
        warehouse,
        "dossier",
        resolved("A", result_digitised=True),
        resolved("B", result_digitised=False),
        resolved("C"),
        resolved("D", procedure_code="1.000002"),
        resolved("E", closing_class="returned_unprocessed"),
        dossier("F"),
    )
    compute_marts(warehouse, NIGHT)
    assert figure(warehouse, "result_digitisation_rate") == (1, 3)


def test_a_desk_counts_from_the_day_it_digitises(warehouse):
    compute_marts(warehouse, NIGHT)
    assert figure(warehouse, "digitisation_rollout_district", "DISTRICT") == (1, 1)
    assert figure(warehouse, "digitisation_rollout_commune", "COMMUNE") == (0, 1)
    assert figure(warehouse, "digitisation_rollout_district", "DISTRICT", period="quarter") == (
        1,
        1,
    )


def test_procedures_are_counted_by_code_and_internal_ones_apart(warehouse):
    put(
        warehouse,
        "procedure",
        {"procedure_code": "1.000001", "authority_level": "commune", "is_published": True,
         "is_level4_eligible": True, "service_level": 4},
        {"procedure_code": "1.000002", "authority_level": "commune", "is_published": False,
         "is_level4_eligible": True, "service_level": 3},
        {"procedure_code": "1.000003", "authority_level": "district", "is_published": True},
        {"procedure_code": "1.000004", "authority_level": "district", "is_internal": True},
    )  # fmt: skip
    compute_marts(warehouse, NIGHT)
    assert figure(warehouse, "procedures_published_rate") == (2, 3)
    assert figure(warehouse, "procedures_published_rate", "COMMUNE") == (1, 2)
    assert figure(warehouse, "level4_provision_rate") == (1, 2)
    assert figure(warehouse, "internal_procedures_published_rate") == (0, 1)


def test_the_latest_declared_figure_of_the_year_stands(warehouse):
    def declared(last, numerator):
        return {
            "indicator_code": "plan_tasks_completed_rate",
            "unit_code": "CITY",
            "period_start": SINCE,
            "period_end": last,
            "numerator": numerator,
            "denominator": 39,
            "document_number": "1/BC",
        }

    put(
        warehouse,
        "declaration",
        declared(dt.date(2022, 3, 31), 10),
        declared(dt.date(2022, 6, 30), 39),
        declared(dt.date(2022, 9, 30), 1),
    )
    compute_marts(warehouse, NIGHT)
    assert figure(warehouse, "plan_tasks_completed_rate") == (39, 39)
    assert (
        warehouse.value(
            "select status from mart_staged.scorecard"
            " where indicator_code = 'plan_tasks_completed_rate'"
        )
        == "met"
    )


@pytest.mark.parametrize(("late", "status"), [(2, "met"), (3, "not_met")])
def test_the_target_is_compared_as_integers(warehouse, late, status):
    dossiers = [resolved(f"G{n}", due_date=dt.date(2022, 6, 20)) for n in range(100 - late)]
    dossiers += [resolved(f"L{n}", due_date=dt.date(2022, 6, 8)) for n in range(late)]
    put(warehouse, "dossier", *dossiers)
    compute_marts(warehouse, NIGHT)
    found = warehouse.value(
        "select status from mart_staged.scorecard where indicator_code = 'on_time_rate'"
        " and unit_code = 'CITY'"
    )
    assert found == status


def test_two_codes_of_one_dossier_are_counted_once(warehouse):
    put(
        warehouse,
        "dossier",
        dossier("H24.31-220602-0001", alias_code="TW-1"),
        dossier("TW-1"),
        dossier("X", alias_code="Y"),
        dossier("Y", alias_code="X"),
    )
    compute_marts(warehouse, NIGHT)
    codes = warehouse.rows("select dossier_code from mart_staged.dossier order by 1")
    assert [row["dossier_code"] for row in codes] == ["H24.31-220602-0001", "X"]


def test_a_unit_outside_the_register_is_in_the_city_and_in_no_level(warehouse):
    put(warehouse, "dossier", resolved("A", resolving_unit_code="H24.99"), resolved("B"))
    compute_marts(warehouse, NIGHT)
    assert figure(warehouse, "on_time_rate", "CITY", "form_06") == (2, 2)
    assert figure(warehouse, "on_time_rate", "UNREGISTERED", "form_06") == (1, 1)
    assert figure(warehouse, "on_time_rate", "DISTRICT", "form_06") == (1, 1)
