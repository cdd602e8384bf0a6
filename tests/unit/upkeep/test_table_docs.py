"""The page about the tables agrees with the tables; the keys that it names identify rows."""

from __future__ import annotations

import re

import pytest
from three_nights import publish_second_night

from onestop.marts.descriptions import label_kind, table_keys, table_texts
from onestop.marts.dictionary import code_places
from onestop.schema.reference import read_reference
from onestop.upkeep.table_docs import PAGE, dictionary_page
from onestop.warehouse import duckdb_address, open_warehouse


@pytest.fixture(scope="module")
def page():
    return dictionary_page()


def test_the_page_about_the_tables_is_up_to_date(page):
    assert PAGE.read_text(encoding="utf-8") == page, "run `make docs`"


def test_the_page_has_every_table_and_the_names_and_sources_of_every_code(page):
    for schema, table in table_texts():
        assert f"\n### {schema}.{table}\n" in page
    lines = page.splitlines()
    for place in code_places().values():
        table, _, column = place.partition(".")
        for row in read_reference()[table]:
            [*found] = [line for line in lines if line.startswith(f"| `{row[column]}` | ")]
            assert any(str(row["source_clause"]).replace("|", "\\|") in line for line in found)


def test_every_table_has_a_key_but_those_whose_rows_are_added_up():
    assert table_texts().keys() - table_keys().keys() == {
        ("mart", "indicator_event"),
        ("national", "province_delivery"),
    }
    assert table_keys().keys() <= table_texts().keys()


def test_the_keys_identify_the_rows_of_a_published_night(kept, tmp_path):
    settings = kept.copy(publish_second_night, tmp_path / "var")
    repeated, filled = [], 0
    with open_warehouse(duckdb_address(settings.published), read_only=True) as warehouse:
        for (schema, table), key in table_keys().items():
            if schema == "national":  # of a national office only
                continue
            columns = ", ".join(f'"{name}"' for name in key)
            [found] = warehouse.rows(
                f"select count(*) as rows, count(distinct ({columns})) as keys"
                f' from {schema}."{table}"'
            )
            filled += found["rows"] > 0
            repeated += [f"{schema}.{table}"] if found["rows"] != found["keys"] else []
    assert repeated == []
    assert filled > 70


def test_every_kind_of_code_is_a_list_or_comes_from_a_register(page):
    kinds = {
        label_kind(table, name)
        for table, part in (
            (part.partition("\n")[0], part) for part in page.split("\n### mart.")[1:]
        )
        for name in re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)
    }
    of_registers = {"unit_code", "field_code", "procedure_key", "indicator_code", None}
    assert kinds - of_registers == code_places().keys()
