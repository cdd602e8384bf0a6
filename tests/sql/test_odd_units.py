"""Codes and levels that equal reserved names do not stop a publication; they count separately."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from engines import assert_same, content
from random_worlds import build_world, put_world, ticket
from reference_comparison import compare_everything
from reference_figures import Statement, count_everything

from onestop.gate import check_marts
from onestop.marts.compute import compute_marts
from onestop.schema.reference import REFERENCE_FOLDER, read_reference
from onestop.warehouse import open_warehouse
from onestop.warehouse.staged_names import STAGED

DAYS_OFF = {
    row["calendar_date"]: row["day_kind"] for row in read_reference(REFERENCE_FOLDER)["day_off"]
}
NIGHT = dt.date(2022, 6, 30)
RESERVED = ("CITY", "DISTRICT", "UNREGISTERED")


def odd_world():
    """Units with the codes of the city and of levels, fields and procedures with codes of totals.

    The only unit of level `department` became a district in June; the only commune was deleted
    from the register in May.
    """
    choose = random.Random(5).choice
    world = build_world(choose, dossiers=40, tickets=10)
    stories = list(world.dossiers.values())
    for story, code in zip(stories, RESERVED * 3, strict=False):
        story[:] = [
            Statement(s.night, s.says and s.says | {"resolving_unit_code": code}) for s in story
        ]
    for story in stories[5:20]:
        odd = {"field_code": "ALL", "procedure_code": "ALL"}
        story[:] = [Statement(s.night, s.says and s.says | odd) for s in story]
    for number, code in enumerate(RESERVED):
        name = f"ODD{number}"
        drawn = ticket(choose, name, [])
        world.visits[name] = [Statement(drawn.night, drawn.says | {"unit_code": code})]
    registered = {
        "has_one_stop": True,
        "digitisation_date": dt.date(2022, 2, 1),
    }

    def unit(code, level):
        return registered | {"unit_code": code, "unit_level": level}

    begin, later = dt.date(2021, 1, 1), dt.date(2022, 6, 15)
    world.units = {
        "H24.01": [
            Statement(begin, unit("H24.01", "department")),
            Statement(later, unit("H24.01", "district")),
        ],
        "H24.31": [Statement(begin, unit("H24.31", "district"))],
        "H24.31.05": [
            Statement(begin, unit("H24.31.05", "commune")),
            Statement(dt.date(2022, 5, 10), None),
        ],
        # a register loaded by an earlier release, which accepted any code
        "DISTRICT": [Statement(begin, unit("DISTRICT", "district"))],
    }
    return world


@pytest.fixture(scope="module")
def warehouses(postgres, tmp_path_factory):
    embedded = f"duckdb:///{tmp_path_factory.mktemp('odd') / 'w.duckdb'}"
    with open_warehouse(embedded) as one, open_warehouse(postgres.make_database()) as other:
        for warehouse in (one, other):
            put_world(warehouse, odd_world())
            compute_marts(warehouse, NIGHT)
        yield one, other


def test_reserved_codes_and_levels_break_no_rule_of_the_marts(warehouses):
    verdict = check_marts(warehouses[0]._connection, NIGHT)
    assert [(rule.rule_code, rule.rows_failed) for rule in verdict.critical] == []


def test_reserved_codes_and_levels_are_counted_as_in_plain_python(warehouses):
    figures = count_everything(odd_world(), NIGHT, DAYS_OFF)
    found = compare_everything(warehouses[0], STAGED, figures, NIGHT, DAYS_OFF)
    assert not found.differences, str(found)


def test_reserved_codes_and_levels_are_counted_alike_on_both_engines(warehouses):
    assert_same(*(content(warehouse, (STAGED,)) for warehouse in warehouses))


def test_a_unit_with_the_name_of_a_level_is_shown_separately(warehouses):
    shown = warehouses[0].rows(
        f"select unit_code, unit_level, unit_scope from {STAGED}.unit"
        " where unit_code like '%CITY%' or unit_code like '%DISTRICT%' order by 1"
    )
    assert [tuple(row.values()) for row in shown] == [
        ("(CITY)", "unregistered", "unit"),
        ("(DISTRICT)", "district", "unit"),
        ("CITY", "city", "city"),
        ("DISTRICT", "district", "level"),
    ]


def test_earlier_periods_keep_the_desks_of_a_level_that_has_no_unit_any_more(warehouses):
    shown = warehouses[0].rows(
        f"select unit_code, desks_total from {STAGED}.digitisation where period_type = 'month'"
        " and period_basis = 'calendar' and period_start = date '2022-03-01'"
        " and unit_scope <> 'unit' and desks_total is not null order by 1"
    )
    assert [tuple(row.values()) for row in shown] == [
        ("CITY", 4), ("COMMUNE", 1), ("DEPARTMENT", 1), ("DISTRICT", 2),
    ]  # fmt: skip


#: Units with the same names: code, name, unit above.
SAME_NAMES = [
    ("H24.31", "UBND quận Hồng Bàng", None),
    ("H24.32", "UBND quận Lê Chân", None),
    ("H24.31.01", "UBND phường Quang Trung", "H24.31"),
    ("H24.32.01", "UBND phường Quang Trung", "H24.32"),
    ("H24.31.02", "UBND phường Minh Khai", "H24.31"),
    ("H24.31.03", "UBND phường Minh Khai", "H24.31"),
    ("H24.01", "Sở Nội vụ", None),
    ("H24.02", "Sở Nội vụ", None),
]


@pytest.mark.parametrize("engine", ["duckdb", "postgresql"])
def test_units_with_the_same_name_have_labels_that_tell_them_apart(engine, request, tmp_path):
    if engine == "duckdb":
        url = f"duckdb:///{tmp_path / 'w.duckdb'}"
    else:
        url = request.getfixturevalue("postgres").make_database()
    with open_warehouse(url) as warehouse:
        for code, name, parent in SAME_NAMES:
            warehouse.execute(
                "insert into core.unit_history (unit_code, unit_name, unit_level, parent_unit_code,"
                " has_one_stop, valid_from, delivery_id, row_number, content_hash) values (:code,"
                " :name, 'commune', :parent, true, date '2022-01-01', 'a', 1, :code)",
                {"code": code, "name": name, "parent": parent},
            )
        compute_marts(warehouse, NIGHT)
        rows = warehouse.rows(
            f"select unit_code, unit_label from {STAGED}.unit where unit_scope = 'unit'"
        )
        names = warehouse.rows(
            f"select code, label_vi from {STAGED}.label where code_kind = 'unit_code'"
        )
    labels = {row["unit_code"]: row["unit_label"] for row in rows}
    assert labels == {
        "H24.31": "UBND quận Hồng Bàng",
        "H24.32": "UBND quận Lê Chân",
        "H24.31.01": "UBND phường Quang Trung (UBND quận Hồng Bàng)",
        "H24.32.01": "UBND phường Quang Trung (UBND quận Lê Chân)",
        "H24.31.02": "UBND phường Minh Khai (H24.31.02)",
        "H24.31.03": "UBND phường Minh Khai (H24.31.03)",
        "H24.01": "Sở Nội vụ (H24.01)",
        "H24.02": "Sở Nội vụ (H24.02)",
    }
    assert labels.items() <= {row["code"]: row["label_vi"] for row in names}.items()
