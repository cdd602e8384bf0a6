"""Each indicator's SELECT, on a few rows that an analyst can count, with the expected figures."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest
from computed_marts import compute_only
from worked_deadlines import DEADLINES

from onestop.marts.publish import refresh_reference
from onestop.schema.feeds import FEEDS
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.warehouse import open_warehouse

NIGHT = dt.date(2022, 6, 30)
SINCE = dt.date(2022, 1, 1)
DISTRICT, COMMUNE = "H24.31", "H24.31.05"


def clock(text):
    return dt.datetime.fromisoformat(f"2022-06-{text}").replace(tzinfo=LOCAL_ZONE)


def put(warehouse, entity, *rows):
    """Put rows that are valid since the beginning of the year."""
    feed = next(feed for feed in FEEDS.values() if feed.entity == entity)
    full_rows = []
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
        full_rows.append(full)
    warehouse.append(f"core.{entity}_history", pa.Table.from_pylist(full_rows))


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
        refresh_reference(opened)
        opened.empty_schema("mart_staged")
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


def test_the_channel_and_not_the_level_makes_a_dossier_online(warehouse):
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
    compute_only(warehouse, NIGHT, ["scorecard"])
    shares = {
        name: figure(warehouse, f"online_share_{name}", method="channel")
        for name in ("level3", "level4", "level34", "all")
    }
    assert shares == {"level3": (1, 2), "level4": (1, 2), "level34": (2, 4), "all": (2, 5)}
    assert figure(warehouse, "online_share_level34", method="channel_without_post") == (2, 3)


def test_a_dossier_without_a_level_has_the_level_of_the_catalogue(warehouse):
    put(warehouse, "procedure", {"procedure_code": "1.000001", "service_level": 3})
    put(warehouse, "dossier", dossier("A", channel="online"))
    compute_only(warehouse, NIGHT, ["scorecard"])
    assert figure(warehouse, "online_share_level3", method="channel") == (1, 1)


def test_a_transferred_ticket_belongs_to_the_same_visit(warehouse):
    put(
        warehouse,
        "visit",
        ticket("1", "15 08:00:00", "15 08:10:00"),
        ticket("2", "15 08:20:00", "15 08:25:00", transferred_from="1"),
        ticket("3", "15 09:00:00", "15 09:45:00"),
        ticket("4", "15 10:00:00"),
    )
    compute_only(warehouse, NIGHT, ["scorecard"])
    assert figure(warehouse, "counter_waiting_time") == (15 * 60 + 45 * 60, 2)
    row = warehouse.rows(
        "select visits_total, visits_called, visits_within_30_minutes, units_with_tickets,"
        " units_with_desk from mart_staged.waiting_time where unit_code = 'CITY'"
        " and period_type = 'year_to_date' and period_basis = 'calendar'"
    )[0]
    assert tuple(row.values()) == (3, 2, 1, 1, 2)


def test_a_unit_without_tickets_has_no_waiting_time(warehouse):
    put(warehouse, "visit", ticket("1", "15 08:00:00", "15 08:10:00"))
    compute_only(warehouse, NIGHT, ["scorecard"])
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
    compute_only(warehouse, NIGHT, ["scorecard"])
    assert figure(warehouse, "result_digitisation_rate") == (1, 3)


def test_a_desk_counts_as_digitising_from_its_go_live_date(warehouse):
    compute_only(warehouse, NIGHT, ["scorecard"])
    assert figure(warehouse, "digitisation_rollout_district", "DISTRICT") == (1, 1)
    assert figure(warehouse, "digitisation_rollout_commune", "COMMUNE") == (0, 1)
    assert figure(warehouse, "digitisation_rollout_district", "DISTRICT", period="quarter") == (
        1,
        1,
    )


def test_procedures_are_counted_by_code_and_internal_ones_separately(warehouse):
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
    compute_only(warehouse, NIGHT, ["scorecard"])
    assert figure(warehouse, "procedures_published_rate") == (2, 3)
    assert figure(warehouse, "procedures_published_rate", "COMMUNE") == (1, 2)
    assert figure(warehouse, "level4_provision_rate") == (1, 2)
    assert figure(warehouse, "internal_procedures_published_rate") == (0, 1)


def test_the_latest_declared_figure_of_the_year_counts(warehouse):
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
    compute_only(warehouse, NIGHT, ["scorecard"])
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
    compute_only(warehouse, NIGHT, ["scorecard"])
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
    compute_only(warehouse, NIGHT, ["scorecard"])
    codes = warehouse.rows("select dossier_code from mart_staged.counted_dossier order by 1")
    assert [row["dossier_code"] for row in codes] == ["H24.31-220602-0001", "X"]


def test_a_unit_outside_the_register_is_in_the_city_and_in_no_level(warehouse):
    put(warehouse, "dossier", resolved("A", resolving_unit_code="H24.99"), resolved("B"))
    compute_only(warehouse, NIGHT, ["scorecard"])
    assert figure(warehouse, "on_time_rate", "CITY", "form_06") == (2, 2)
    assert figure(warehouse, "on_time_rate", "UNREGISTERED", "form_06") == (1, 1)
    assert figure(warehouse, "on_time_rate", "DISTRICT", "form_06") == (1, 1)


def row(warehouse, table, unit="CITY", period="year_to_date", **more):
    """The only row of a mart for a unit and the running calendar period."""
    condition = "".join(f" and {name} = :{name}" for name in more)
    (found,) = warehouse.rows(
        f"select * from mart_staged.{table} where unit_code = :unit and period_type = :period"
        f" and period_basis = 'calendar' and period_end = :night{condition}",
        {"unit": unit, "period": period, "night": NIGHT, **more},
    )
    return found


# --- online ---------------------------------------------------------------------------------------


def test_the_level_is_that_of_the_catalogue_on_the_day_of_receipt(warehouse):
    put(
        warehouse,
        "procedure",
        {"procedure_code": "1.000001.000.00.00.H24", "service_level": 3,
         "valid_from": dt.date(2022, 6, 1), "valid_to": dt.date(2022, 6, 15)},
        {"procedure_code": "1.000001.000.00.00.H24", "service_level": 4,
         "valid_from": dt.date(2022, 6, 15)},
    )  # fmt: skip
    put(
        warehouse,
        "dossier",
        # received before the first export of the catalogue: its first level counts
        dossier("A", channel="online", received_date=dt.date(2022, 5, 20)),
        dossier("B", channel="online", received_date=dt.date(2022, 6, 14)),
        dossier("C", channel="online", received_date=dt.date(2022, 6, 15)),
        dossier("D", channel="counter", received_date=dt.date(2022, 6, 15), service_level=3),
    )
    compute_only(warehouse, NIGHT, ["indicator_value"])
    assert figure(warehouse, "online_share_level3", method="channel") == (2, 3)
    assert figure(warehouse, "online_share_level4", method="channel") == (1, 1)


def test_the_long_and_the_short_code_of_a_procedure_count_as_one(warehouse):
    put(
        warehouse,
        "procedure",
        {"procedure_code": "1.000001.000.00.00.H24", "service_level": 4, "is_published": True},
        {"procedure_code": "1.000001.H24", "service_level": 4, "is_published": True},
    )
    put(warehouse, "dossier", dossier("A", procedure_code="1.000001", channel="online"))
    compute_only(warehouse, NIGHT, ["indicator_value"])
    assert figure(warehouse, "procedures_published_rate") == (1, 1)
    assert figure(warehouse, "online_share_level4", method="channel") == (1, 1)


def test_levels_are_renamed_on_15_august_but_not_the_plan_s_indicators(warehouse):
    night = dt.date(2022, 9, 30)
    put(
        warehouse,
        "dossier",
        dossier("A", channel="online", service_level=4, received_date=dt.date(2022, 8, 14)),
        dossier("B", channel="online", service_level=4, received_date=dt.date(2022, 8, 15)),
        dossier("C", channel="counter", service_level=3, received_date=dt.date(2022, 8, 15)),
        dossier("D", channel="counter", service_level=2, received_date=dt.date(2022, 8, 15)),
    )
    put(warehouse, "procedure", {"procedure_code": "1.000001", "service_level": 4})
    compute_only(warehouse, night, ["indicator_value"])
    named = warehouse.rows(
        "select service_level, provision_code, received_total from mart_staged.online_share"
        " where unit_code = 'CITY' and period_type = 'quarter' and period_basis = 'calendar'"
        " and period_end = :night order by 1, 2",
        {"night": night},
    )
    assert [tuple(found.values()) for found in named] == [
        (2, "information", 1),
        (3, "partial", 1),
        (4, "full", 1),
        (4, "level_4", 1),
    ]
    assert figure(warehouse, "online_share_level4", method="channel", period="quarter") == (2, 2)
    provided = warehouse.rows(
        "select period_end, at_level4, provided_fully from mart_staged.procedure_provision"
        " where unit_code = 'CITY' and period_type = 'month' and period_basis = 'calendar'"
        " and period_end in (date '2022-07-31', date '2022-08-31') order by 1"
    )
    assert [tuple(found.values())[1:] for found in provided] == [(1, 0), (1, 1)]


def test_online_procedures_are_counted_among_all_and_as_used_with_an_online_dossier(warehouse):
    put(
        warehouse,
        "procedure",
        {"procedure_code": "1.000001", "service_level": 3, "authority_level": "commune"},
        {"procedure_code": "1.000002", "service_level": 4, "authority_level": "commune"},
        {"procedure_code": "1.000003", "service_level": 4, "authority_level": "district"},
        {"procedure_code": "1.000004", "service_level": 2, "authority_level": "district"},
        {"procedure_code": "1.000005", "service_level": 4, "is_internal": True},
    )
    put(
        warehouse,
        "dossier",
        dossier("A", procedure_code="1.000001.H24", channel="online"),
        dossier("B", procedure_code="1.000001", channel="online"),
        dossier("C", procedure_code="1.000002", channel="counter"),
        dossier("D", procedure_code="1.000004", channel="online"),
        dossier("E", procedure_code="1.000005", channel="online"),
        dossier("F", procedure_code="1.000003", channel="online", status="refused_at_intake"),
    )
    compute_only(warehouse, NIGHT, ["indicator_value"])
    assert figure(warehouse, "online_procedure_share") == (3, 4)
    assert figure(warehouse, "online_procedure_used_share") == (1, 3)
    assert figure(warehouse, "online_procedure_used_share", "COMMUNE") == (1, 2)


# --- values that a source never states -----------------------------------------------------------


def status_of(warehouse, indicator, unit="CITY"):
    return warehouse.value(
        "select status from mart_staged.indicator_value where indicator_code = :indicator"
        " and unit_code = :unit and period_type = 'year_to_date' and period_basis = 'calendar'"
        " order by method_code, period_start desc limit 1",
        {"indicator": indicator, "unit": unit},
    )


OTHER_SOURCE = "land_registry.dossiers.20220101.000000000000"


def test_results_of_a_source_without_digitisation_values_are_no_data(warehouse):
    put(warehouse, "dossier", resolved("A"), resolved("B"))
    compute_only(warehouse, NIGHT, ["indicator_value"])
    assert figure(warehouse, "result_digitisation_rate") == (0, 0)
    assert status_of(warehouse, "result_digitisation_rate") == "no_data"
    assert row(warehouse, "digitisation")["results_unstated"] == 2


def test_a_missing_digitisation_value_means_no_where_the_source_states_others(warehouse):
    put(
        warehouse,
        "dossier",
        resolved("A", result_digitised=True),
        resolved("B"),
        resolved("C", delivery_id=OTHER_SOURCE),
        resolved("D", delivery_id=OTHER_SOURCE),
    )
    compute_only(warehouse, NIGHT, ["indicator_value"])
    assert figure(warehouse, "result_digitisation_rate") == (1, 2)
    assert coverage(warehouse, "result_digitisation_rate") == 50


def coverage(warehouse, indicator):
    return warehouse.value(
        "select coverage from mart_staged.indicator_value where indicator_code = :indicator"
        " and unit_code = 'CITY' and period_type = 'year_to_date' and period_basis = 'calendar'"
        " order by method_code limit 1",
        {"indicator": indicator},
    )


def test_dossiers_of_a_source_that_gives_no_channel_are_no_data_for_the_online_share(warehouse):
    silent = {"channel": None, "service_level": 3, "delivery_id": OTHER_SOURCE}
    put(warehouse, "dossier", dossier("A", **silent), dossier("B", **silent))
    compute_only(warehouse, NIGHT, ["indicator_value"])
    assert figure(warehouse, "online_share_level34", method="channel") == (0, 0)
    assert status_of(warehouse, "online_share_level34") == "no_data"


def test_a_dossier_without_channel_is_not_online_where_its_source_gives_others(warehouse):
    put(
        warehouse,
        "dossier",
        dossier("A", service_level=3, channel="online"),
        dossier("B", service_level=3, channel=None),
        dossier("C", service_level=3, channel=None, delivery_id=OTHER_SOURCE),
    )
    compute_only(warehouse, NIGHT, ["indicator_value"])
    assert figure(warehouse, "online_share_level3", method="channel") == (1, 2)
    assert round(coverage(warehouse, "online_share_level3"), 2) == Decimal("66.67")


def test_a_catalogue_that_gives_neither_level_nor_publication_is_no_data(warehouse):
    put(
        warehouse,
        "procedure",
        {"procedure_code": "1.000001", "is_level4_eligible": True},
        {"procedure_code": "1.000002", "is_internal": True},
    )
    compute_only(warehouse, NIGHT, ["indicator_value"])
    for indicator in (
        "procedures_published_rate",
        "internal_procedures_published_rate",
        "level4_provision_rate",
        "online_procedure_share",
    ):
        assert (indicator, status_of(warehouse, indicator)) == (indicator, "no_data")


def test_a_register_without_any_go_live_date_is_no_data_for_the_roll_out(warehouse):
    warehouse.execute("update core.unit_history set digitisation_date = null")
    compute_only(warehouse, NIGHT, ["indicator_value"])
    assert status_of(warehouse, "digitisation_rollout_district", "DISTRICT") == "no_data"
    assert row(warehouse, "digitisation", "DISTRICT")["desks_total"] == 1


# --- waiting --------------------------------------------------------------------------------------


def waits(warehouse, *tickets):
    put(warehouse, "visit", *tickets)
    compute_only(warehouse, NIGHT, ["indicator_value"])
    return row(warehouse, "waiting_time")


def test_a_called_number_that_nobody_answers_has_no_wait(warehouse):
    found = waits(
        warehouse,
        ticket("1", "15 08:00:00", "15 08:10:00"),
        ticket("2", "15 08:00:00", "15 11:00:00", ticket_status="no_show"),
        ticket("3", "15 08:00:00", "15 11:00:00", ticket_status="skipped"),
        ticket("4", "15 08:00:00", ticket_status="waiting"),
    )
    counted = ("visits_total", "visits_called", "visits_no_show", "visits_not_called")
    assert tuple(found[name] for name in counted) == (4, 1, 2, 1)
    assert found["wait_seconds"] == 600


def test_an_uncalled_number_followed_at_once_by_another_is_a_reprint(warehouse):
    found = waits(
        warehouse,
        ticket("1", "15 08:00:00", service_code="DV1"),
        ticket("2", "15 08:02:00", "15 08:10:00", service_code="DV1"),
        # another service, more than two minutes later, or called: these are separate people
        ticket("3", "15 09:00:00", service_code="DV1"),
        ticket("4", "15 09:01:00", "15 09:10:00", service_code="DV2"),
        ticket("5", "15 09:02:01", "15 09:10:00", service_code="DV1"),
        ticket("6", "15 10:00:00", "15 10:05:00", service_code="DV1"),
        ticket("7", "15 10:00:30", "15 10:05:00", service_code="DV1"),
    )
    assert (found["tickets_reprinted"], found["visits_total"], found["visits_called"]) == (1, 6, 5)
    assert found["visits_no_show"] == 1


@pytest.mark.parametrize("status", ["no_show", "skipped"])
def test_a_called_number_that_nobody_answers_is_never_a_reprint(warehouse, status):
    found = waits(
        warehouse,
        ticket("1", "15 08:00:00", "15 08:09:00", service_code="DV1", ticket_status=status),
        ticket("2", "15 08:00:30", "15 08:10:00", service_code="DV1"),
    )
    assert (found["tickets_reprinted"], found["visits_total"], found["visits_no_show"]) == (0, 2, 1)


def test_a_called_number_replaces_at_most_one_other(warehouse):
    found = waits(
        warehouse,
        *(
            ticket(str(n), f"15 08:00:{n:02}", service_code="DV1", ticket_status="waiting")
            for n in (1, 2, 3)
        ),
        ticket("4", "15 08:00:04", "15 08:10:00", service_code="DV1"),
    )
    counted = ("tickets_reprinted", "visits_total", "visits_called", "visits_not_called")
    assert tuple(found[name] for name in counted) == (1, 3, 1, 2)


def test_numbers_not_called_by_closing_time_are_separate_visits(warehouse):
    found = waits(
        warehouse,
        *(
            ticket(str(n), f"15 16:59:{n:02}", service_code="DV1", ticket_status="waiting")
            for n in range(20)
        ),
    )
    assert (found["tickets_reprinted"], found["visits_not_called"]) == (0, 20)


def test_a_number_issued_by_a_transfer_replaces_no_other(warehouse):
    found = waits(
        warehouse,
        ticket("1", "15 08:00:00", "15 08:05:00", service_code="DV2"),
        ticket("2", "15 08:30:00", service_code="DV1", ticket_status="waiting"),
        ticket("3", "15 08:30:30", "15 08:40:00", service_code="DV1", transferred_from="1"),
    )
    counted = ("tickets_reprinted", "visits_total", "visits_called", "visits_not_called")
    assert tuple(found[name] for name in counted) == (0, 2, 1, 1)


def test_a_wait_of_more_than_a_working_day_is_counted_separately_as_bad_data(warehouse):
    found = waits(
        warehouse,
        ticket("1", "15 08:00:00", "15 16:00:00"),
        ticket("2", "15 08:00:00", "15 16:00:01"),
        ticket("3", "15 08:00:00", "15 07:59:59"),
    )
    assert (found["visits_called"], found["visits_invalid"]) == (1, 2)
    assert found["wait_seconds"] == 8 * 3600


def test_the_variant_from_opening_counts_early_visits_from_the_opening_hour(warehouse):
    found = waits(
        warehouse,
        ticket("1", "15 06:30:00", "15 07:10:00"),
        ticket("2", "15 06:30:00", "15 06:50:00"),
        ticket("3", "15 07:00:00", "15 07:10:00"),
    )
    assert found["visits_before_opening"] == 2
    assert figure(warehouse, "counter_waiting_time", method="visit_mean") == (4200, 3)
    assert figure(warehouse, "counter_waiting_time", method="visit_mean_from_opening") == (1200, 3)


@pytest.mark.parametrize(("seconds", "status"), [(1800, "met"), (1801, "not_met")])
def test_thirty_minutes_on_average_is_compared_in_seconds(warehouse, seconds, status):
    called = clock("15 08:00:00") + dt.timedelta(seconds=2 * seconds)
    waits(
        warehouse,
        ticket("1", "15 08:00:00", "15 08:00:00"),
        {**ticket("2", "15 08:00:00", "15 08:00:00"), "called_at": called},
    )
    found = warehouse.value(
        "select status from mart_staged.indicator_value where unit_code = 'CITY'"
        " and indicator_code = 'counter_waiting_time' and method_code = 'visit_mean'"
        " and period_type = 'year_to_date' and period_basis = 'calendar'"
    )
    assert found == status


def test_waits_are_shown_with_the_desks_and_dossiers_they_cover(warehouse):
    put(warehouse, "dossier", dossier("A"), dossier("B"), dossier("C", channel="online"))
    found = waits(warehouse, ticket("1", "15 08:00:00", "15 08:10:00"))
    assert (found["units_with_tickets"], found["units_with_desk"]) == (1, 2)
    assert (found["visits_total"], found["received_at_counter"]) == (1, 2)
    assert found["median_wait_seconds"] == found["p90_wait_seconds"] == 600
    # 19 + 16 + 23 + 20 + 20 + 22 working days from January to June
    assert (found["days_with_tickets"], found["workdays_in_period"]) == (1, 120)


NEIGHBOUR = "H24.31.06"


def desk(code, level, **values):
    return {"unit_code": code, "unit_level": level, "has_one_stop": True, **values}


def issued(*units, day="06-15"):
    """A ticket of each unit on a day of 2022."""
    at = dt.datetime.fromisoformat(f"2022-{day} 08:00:00").replace(tzinfo=LOCAL_ZONE)
    called = at + dt.timedelta(minutes=10)
    return [
        ticket(f"{unit} {day}", "15 08:00:00", unit_code=unit, ticket_status="completed")
        | {"issued_at": at, "called_at": called}
        for unit in units
    ]


def covered(warehouse, *tickets, night=NIGHT):
    """Units with tickets, units with a desk and the coverage, by unit and calendar period."""
    put(warehouse, "visit", *tickets)
    compute_only(warehouse, night, ["indicator_value"])
    rows = warehouse.rows(
        "select unit_code, period_type, period_start, units_with_tickets, units_with_desk, coverage"
        " from mart_staged.waiting_time inner join mart_staged.indicator_value"
        " using (unit_code, period_type, period_basis, period_start)"
        " where indicator_code = 'counter_waiting_time' and method_code = 'visit_mean'"
        " and period_basis = 'calendar'"
    )
    assert all(row["units_with_tickets"] <= row["units_with_desk"] for row in rows), rows
    assert all(0 <= row["coverage"] <= 100 for row in rows), rows
    return {
        (row["unit_code"], row["period_type"], row["period_start"].month): (
            row["units_with_tickets"],
            row["units_with_desk"],
            round(row["coverage"], 1),
        )
        for row in rows
    }


def test_a_unit_outside_the_register_that_sends_tickets_is_one_of_the_desks(warehouse):
    found = covered(warehouse, *issued(DISTRICT, COMMUNE, "H24.99"))
    assert found["CITY", "year_to_date", 1] == (3, 3, 100)
    assert found["UNREGISTERED", "year_to_date", 1] == (1, 1, 100)
    assert found["H24.99", "year_to_date", 1] == (1, 1, 100)


def test_a_unit_that_sends_tickets_has_a_desk_whatever_its_register_says(warehouse):
    put(warehouse, "unit", desk(NEIGHBOUR, "commune", has_one_stop=False))
    found = covered(warehouse, *issued(NEIGHBOUR))
    assert found["COMMUNE", "year_to_date", 1] == (1, 2, 50)


def test_a_registered_desk_without_tickets_lowers_the_coverage(warehouse):
    found = covered(warehouse, *issued(DISTRICT, "H24.99"))
    assert found["CITY", "year_to_date", 1] == (2, 3, Decimal("66.7"))
    assert found["DISTRICT", "year_to_date", 1] == (1, 1, 100)


def test_a_unit_that_may_have_a_desk_counts_and_one_without_a_desk_does_not(warehouse):
    put(
        warehouse,
        "unit",
        desk(NEIGHBOUR, "commune", has_one_stop=None),
        desk("H24.31.07", "commune", has_one_stop=False),
    )
    found = covered(warehouse, *issued(COMMUNE))
    assert found["COMMUNE", "year_to_date", 1] == (1, 2, 50)


def test_a_commune_merged_away_in_the_period_is_one_of_its_desks(warehouse):
    merged = {"valid_to_date": dt.date(2022, 5, 1)}
    put(warehouse, "unit", desk(NEIGHBOUR, "commune", **merged))
    tickets = (*issued(NEIGHBOUR, COMMUNE, day="02-10"), *issued(COMMUNE))
    found = covered(warehouse, *tickets)
    assert found["COMMUNE", "year_to_date", 1] == (2, 2, 100)
    assert found["COMMUNE", "month", 2] == (2, 2, 100)
    assert found["COMMUNE", "month", 6] == (1, 1, 100)


@pytest.mark.parametrize(
    ("validity", "months"),
    [
        ({"valid_to_date": dt.date(2022, 4, 1)}, {3}),
        ({"valid_to_date": dt.date(2022, 4, 2)}, {3, 4}),
        ({"valid_from_date": dt.date(2022, 4, 30)}, {4, 5, 6}),
        ({"valid_from_date": dt.date(2022, 5, 1)}, {5, 6}),
        ({"valid_from_date": NIGHT}, {6}),
        ({"valid_from_date": NIGHT + dt.timedelta(days=1)}, set()),
        ({"valid_from_date": dt.date(2022, 4, 5), "valid_to_date": dt.date(2022, 4, 5)}, set()),
        ({"valid_from_date": dt.date(2022, 4, 5), "valid_to_date": dt.date(2022, 4, 6)}, {4}),
    ],
)
def test_a_silent_desk_counts_in_the_periods_on_a_day_of_which_it_existed(
    warehouse, validity, months
):
    put(warehouse, "unit", desk(NEIGHBOUR, "commune", **validity))
    days = ("03-10", "04-12", "05-10", "06-15")
    found = covered(warehouse, *(one for day in days for one in issued(COMMUNE, day=day)))
    counted = {month for month in (3, 4, 5, 6) if found["COMMUNE", "month", month][1] == 2}
    assert counted == months


def test_a_desk_opened_after_the_night_is_not_one_of_the_period_that_still_runs(warehouse):
    put(warehouse, "unit", desk(NEIGHBOUR, "commune", valid_from_date=dt.date(2022, 6, 20)))
    found = covered(warehouse, *issued(COMMUNE), night=dt.date(2022, 6, 19))
    assert found["COMMUNE", "month", 6] == (1, 1, 100)


def test_a_unit_whose_level_changed_is_one_desk_of_the_level_that_it_has_now(warehouse):
    put(
        warehouse,
        "unit",
        desk(NEIGHBOUR, "commune", valid_to=dt.date(2022, 5, 1)),
        desk(NEIGHBOUR, "district", valid_from=dt.date(2022, 5, 1)),
    )
    found = covered(warehouse, *issued(NEIGHBOUR, COMMUNE, day="02-10"))
    assert found["DISTRICT", "month", 2] == (1, 2, 50)
    assert found["COMMUNE", "month", 2] == (1, 1, 100)
    assert found["CITY", "month", 2] == (2, 3, Decimal("66.7"))


def test_a_unit_that_left_the_register_is_a_desk_only_where_it_sent_tickets(warehouse):
    put(warehouse, "unit", desk(NEIGHBOUR, "commune", valid_to=dt.date(2022, 5, 1)))
    tickets = (*issued(NEIGHBOUR, day="02-10"), *issued(DISTRICT))
    found = covered(warehouse, *tickets)
    assert found["UNREGISTERED", "month", 2] == (1, 1, 100)
    assert found["CITY", "month", 6] == (1, 2, 50)
    assert found["CITY", "year_to_date", 1] == (2, 3, Decimal("66.7"))


def test_a_unit_with_the_code_of_a_level_is_one_desk(warehouse):
    put(warehouse, "unit", desk("DISTRICT", "district"))
    found = covered(warehouse, *issued("DISTRICT", DISTRICT))
    assert found["DISTRICT", "year_to_date", 1] == (2, 2, 100)
    assert found["(DISTRICT)", "year_to_date", 1] == (1, 1, 100)


# --- deadlines ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("received", "workdays", "due"), DEADLINES)
def test_a_deadline_is_recomputed_over_weekends_and_holidays(warehouse, received, workdays, due):
    put(warehouse, "procedure", {"procedure_code": "1.000001", "duration_workdays": workdays})
    put(
        warehouse,
        "dossier",
        dossier(
            "A",
            received_date=dt.date.fromisoformat(received),
            due_date=dt.date.fromisoformat(due),
        ),
    )
    compute_only(warehouse, dt.date(2023, 1, 31), ["dossier"])
    found = warehouse.rows("select * from mart_staged.dossier")[0]
    assert found["recomputed_due_date"] == dt.date.fromisoformat(due)
    assert (found["deadline_difference_workdays"], found["has_unusual_deadline"]) == (0, False)


def test_a_deadline_outside_the_calendar_is_counted_as_unusual(warehouse):
    put(warehouse, "procedure", {"procedure_code": "1.000001", "duration_workdays": 5})
    put(
        warehouse,
        "dossier",
        dossier("later", due_date=dt.date(9999, 12, 31)),
        dossier("earlier", original_due_date=dt.date(22, 6, 9)),
    )
    compute_only(warehouse, NIGHT, ["deadline_check"])
    marked = warehouse.rows(
        "select dossier_code, workdays_allowed > 1000 as is_later,"
        " sign(deadline_difference_workdays) as direction"
        " from mart_staged.counted_dossier where has_unusual_deadline order by 1"
    )
    assert [tuple(found.values()) for found in marked] == [
        ("earlier", False, -1),
        ("later", True, 1),
    ]


def test_deadlines_that_differ_by_more_than_a_working_day_are_counted_per_unit(warehouse):
    put(warehouse, "procedure", {"procedure_code": "1.000001", "duration_workdays": 5})

    def due(code, day, **more):
        return dossier(code, due_date=dt.date(2022, 6, day), **more)

    put(
        warehouse,
        "dossier",
        due("exact", 9),
        due("a day more", 10),
        due("over a weekend", 13),
        due("two more", 14),
        due("two fewer", 7),
        due("moved later", 30, original_due_date=dt.date(2022, 6, 9)),
        dossier("undated", due_date=None),
        due("unknown", 30, procedure_code="1.000009"),
    )
    compute_only(warehouse, NIGHT, ["deadline_check"])
    marked = warehouse.rows(
        "select dossier_code, deadline_difference_workdays from mart_staged.counted_dossier"
        " where has_unusual_deadline order by 1"
    )
    assert [tuple(found.values()) for found in marked] == [
        ("over a weekend", 2),
        ("two fewer", -2),
        ("two more", 3),
    ]
    found = row(warehouse, "deadline_check", DISTRICT)
    names = ("received_in_period", "deadlines_compared", "deadlines_longer", "deadlines_shorter")
    assert tuple(found[name] for name in names) == (8, 6, 2, 1)
    assert (found["deadlines_moved"], found["deadlines_missing"]) == (1, 1)


# --- on time, by field and procedure --------------------------------------------------------------


def test_the_rate_is_given_by_field_and_by_procedure(warehouse):
    late, good = {"due_date": dt.date(2022, 6, 8)}, {"due_date": dt.date(2022, 6, 20)}
    put(
        warehouse,
        "dossier",
        resolved("A", field_code="G01", procedure_code="1.000001.H24", **good),
        resolved("B", field_code="G01", procedure_code="1.000002", **late),
        resolved("C", field_code="G02", procedure_code="1.000001", **late,
                 resolving_unit_code=COMMUNE),
    )  # fmt: skip
    compute_only(warehouse, NIGHT, ["on_time_detail"])

    def rate(unit, field, procedure, method="cohort"):
        found = row(warehouse, "on_time_detail", unit, field_code=field,
                    procedure_key=procedure, method_code=method)  # fmt: skip
        return found["numerator"], found["denominator"], found["status"]

    assert rate("CITY", "ALL", "ALL") == (1, 3, "not_met")
    assert rate("CITY", "G01", "ALL") == (1, 2, "not_met")
    assert rate("CITY", "ALL", "1.000001") == (1, 2, "not_met")
    assert rate(DISTRICT, "ALL", "1.000001") == (1, 1, "met")
    assert rate(COMMUNE, "ALL", "ALL", "form_06") == (0, 1, "not_met")
    assert rate("COMMUNE", "G02", "ALL", "due") == (0, 1, "not_met")


# --- the scorecard --------------------------------------------------------------------------------


def test_the_scorecard_shows_form_06_rates_and_the_documents_of_declared_figures(warehouse):
    put(
        warehouse,
        "dossier",
        resolved("A", due_date=dt.date(2022, 6, 20)),
        resolved("B", status="withdrawn", closing_class="withdrawn"),
        dossier("C", due_date=dt.date(2022, 6, 20)),
    )
    put(
        warehouse,
        "declaration",
        {"indicator_code": "plan_tasks_completed_rate", "unit_code": "CITY",
         "period_start": SINCE, "period_end": NIGHT, "numerator": 20, "denominator": 39,
         "document_number": "12/BC-SNV", "document_date": NIGHT},
    )  # fmt: skip
    compute_only(warehouse, NIGHT, ["scorecard"])
    lines = {
        found["indicator_code"]: found
        for found in warehouse.rows(
            "select * from mart_staged.scorecard where unit_code = 'CITY' order by line_number desc"
        )
    }
    on_time = lines["on_time_rate"]
    assert (on_time["numerator"], on_time["denominator"]) == (1, 2)
    assert (on_time["form_06_numerator"], on_time["form_06_denominator"]) == (2, 2)
    declared = lines["plan_tasks_completed_rate"]
    assert declared["document_number"] == "12/BC-SNV"
    assert declared["form_06_numerator"] is None
    incomplete = [
        code for code, line in lines.items()
        if not (line["data_source_vi"] and line["data_source_en"] and line["owner_vi"])
        or (line["status"] == "no_data" and not line["no_data_reason_vi"])
    ]  # fmt: skip
    assert incomplete == []
