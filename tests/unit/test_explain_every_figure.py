"""Every figure that is published can be followed to what is behind it, whatever is counted."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import random
from collections import Counter

import pytest

from onestop.explain import EXPLAINERS, explain, print_explanation
from onestop.marts import compute_marts, publish_marts
from onestop.published import QuestionError, open_published
from onestop.warehouse import open_warehouse
from published_marts import settings_in
from random_worlds import build_world
from reference_figures import Statement
from second_worked_set import COMMUNE, DISTRICT, SEPTEMBER, second_world
from told_record import put_record

SINCE = dt.date(2022, 1, 1)
TASKS, SIGNATURES, RANK = "plan_tasks_completed_rate", "personal_signature_rate", "pci_rank"


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
    """Declared figures: a series with a corrected one, one of last year, one to come, one bare."""
    march, june, year = dt.date(2022, 3, 31), dt.date(2022, 6, 30), dt.date(2022, 12, 31)
    return {
        "march": [
            Statement(dt.date(2022, 4, 5), declared(TASKS, march, "5/BC", 10, 40)),
            Statement(dt.date(2022, 5, 2), declared(TASKS, march, "9/BC", 11, 40)),
        ],
        "june": [Statement(dt.date(2022, 7, 4), declared(TASKS, june, "21/BC", 25, 40))],
        "year": [Statement(dt.date(2022, 7, 4), declared(TASKS, year, "22/KH", 40, 40))],
        "last": [
            Statement(
                dt.date(2022, 1, 20),
                declared(
                    TASKS, dt.date(2021, 12, 31), "1/BC", 38, 38, first=dt.date(2021, 1, 1)
                ),
            )
        ],
        "rank": [Statement(dt.date(2022, 5, 2), declared(RANK, march, "7/QĐ", declared_value=12))],
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


@pytest.fixture(scope="module")
def worked(tmp_path_factory):
    """The second worked set, whose tickets, procedures and units are known one by one."""
    world = second_world()
    world.declarations = declarations()
    return published(tmp_path_factory.mktemp("worked"), world, SEPTEMBER)


@pytest.fixture(scope="module")
def chance(tmp_path_factory):
    """Chains of transfers, clocks that run backwards, units that come and go; two nights."""
    world = build_world(random.Random(3).choice, dossiers=60, tickets=150)
    nights = dt.date(2022, 6, 30), dt.date(2022, 7, 31)
    return published(tmp_path_factory.mktemp("chance"), world, *nights)


def of_year(settings, indicator, unit="CITY", **more):
    return explain(settings, indicator, unit, SINCE, SEPTEMBER, **more)


def reasons(explanation, role=None):
    return {
        thing.code: thing.reason_code
        for thing in explanation.things
        if role is None or thing.role == role
    }


def figures(settings, where):
    with open_published(settings) as warehouse:
        return warehouse.rows(
            "select indicator_code, method_code, unit_code, period_start,"
            " coalesce(period_end, :night) as period_end, numerator, denominator"
            " from mart.indicator_history where valid_from <= :night"
            f" and (valid_to is null or valid_to > :night) and {where}",
            {"night": SEPTEMBER},
        )


def wrong_sums(settings, rows, as_of=None):
    wrong = []
    for row in rows:
        found = explain(
            settings,
            row["indicator_code"],
            row["unit_code"],
            row["period_start"],
            row["period_end"],
            row["method_code"],
            as_of,
        )
        counted = (found.numerator, found.denominator)
        if counted != (row["numerator"], row["denominator"]) or found.agrees is not True:
            wrong.append((row, counted, found.published))
    return wrong


def test_every_indicator_of_the_plan_can_be_asked_about(worked):
    with open_published(worked) as warehouse:
        lines = warehouse.rows("select * from mart.scorecard")
    assert len(lines) > 40
    for line in lines:
        found = of_year(worked, line["indicator_code"], line["unit_code"])
        assert found.method_code == (line["method_code"] or "declared")
        if line["status"] == "no_data":
            assert not found.denominator, line
            assert found.no_data_reason_vi == line["no_data_reason_vi"]
            assert found.no_data_reason_en == line["no_data_reason_en"]
        else:
            assert (found.numerator, found.denominator) == (line["numerator"], line["denominator"])
            assert found.no_data_reason_vi is None


def test_the_things_of_every_unit_level_and_the_city_add_up_to_what_is_published(worked):
    rows = figures(worked, "period_type = 'year_to_date' and period_basis = 'calendar'")
    assert {row["method_code"] for row in rows} >= {"visit_mean_from_opening", "declared", "due"}
    assert wrong_sums(worked, rows) == []


def test_tickets_of_every_kind_add_up_in_each_period_and_unit(chance):
    pass
