"""The page that documents the tables: grain, columns, units, codes and their sources.

``make docs`` writes it to ``docs/dictionary.md``; a test fails when it is out of date. Types are
those of an empty warehouse; the texts are those of the comments in the database.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from onestop.federation.national_warehouse import migrate_national
from onestop.marts.compute import compute_marts
from onestop.marts.dictionary import (
    SCHEMAS,
    code_lists,
    code_places,
    described_tables,
    read_indicators,
)
from onestop.marts.publish import refresh_reference
from onestop.schema.project import PROJECT_ROOT
from onestop.warehouse import duckdb_address, open_warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onestop.marts.descriptions import Meaning
    from onestop.marts.dictionary import Column, Table

PAGE = PROJECT_ROOT / "docs" / "dictionary.md"

_HEAD = """# The tables: grain, columns, codes

*Made by `make docs` from `sql/` and `plugins/onestop/schema/feeds.py`; change those, not this
page.*

Every table and column has the same text as a comment in the database, in Vietnamese and English.
Which tables to start with: [bi.md](bi.md). In Python: [analysis.md](analysis.md).

- **Key**: the columns that identify a row.
- **Codes**: the list below that names the values. In the database `mart.label` has all names:
  `left join mart.label as l on l.code_kind = 'unit_code' and l.code = f.unit_code`. Names of units,
  procedures and fields come from the registers.
- Types are DuckDB's; PostgreSQL has the same ones (`decimal` as `numeric`).
- Points in time have a time zone; dates are days in Asia/Ho_Chi_Minh.

Schemas: [mart](#mart), the figures as published last; [ref](#ref), what was promised, and the code
lists; [audit](#audit), files, rules, nights; [core](#core), the record; [national](#national), the
sums of many installations, which only a national office has. Then [indicators](#indicators) and
[codes](#codes).
"""
_INDICATORS = "indicator_code"


def dictionary_page() -> str:
    """The whole page, as Markdown."""
    tables = _tables()
    parts = [_HEAD]
    for schema in SCHEMAS:
        parts.append(f"\n## {schema}")
        for table in tables:
            if table.schema == schema:
                parts += _table_part(table)
    parts += _indicator_part()
    parts += _code_part()
    return "\n".join(parts) + "\n"


def _tables() -> list[Table]:
    """The described tables of an empty warehouse."""
    with TemporaryDirectory() as folder:
        address = duckdb_address(Path(folder) / "empty.duckdb")
        with open_warehouse(address) as warehouse:
            refresh_reference(warehouse)
            compute_marts(warehouse, dt.date(2022, 12, 31))
            migrate_national(warehouse)
            return described_tables(warehouse)


def _table_part(table: Table) -> Iterator[str]:
    yield f"\n### {table.full_name}\n"
    yield f"{_both(table.meaning)}.\n"
    if table.key:
        yield f"Key: {', '.join(f'`{name}`' for name in table.key)}.\n"
    else:
        yield "Key: none; rows are added up.\n"
    yield "| column | type | meaning | codes |"
    yield "|---|---|---|---|"
    for column in table.columns:
        typed = f"{column.type}, {column.unit['en']}" if column.unit else column.type
        meaning = _cell(_both(column.meaning))
        yield f"| `{column.name}` | {typed} | {meaning} | {_codes(column)} |"


def _codes(column: Column) -> str:
    """The values of a column: those of another table, a list, or a kind of codes."""
    if column.of:
        return f"`ref.{column.of}`"
    if column.kind == _INDICATORS:
        return "[indicators](#indicators)"
    if column.kind in code_places():
        return f"[{column.kind}](#{column.kind})"
    return f"`{column.kind}`" if column.kind else ", ".join(f"`{code}`" for code in column.codes)


def _indicator_part() -> Iterator[str]:
    """Every indicator with its formula in words and its source."""
    yield "\n## Indicators"
    yield "\nOf the plan, in the scorecard's order; targets are in `ref.target`.\n"
    yield "| code | title | unit | definition | source |"
    yield "|---|---|---|---|---|"
    for row in read_indicators():
        title = f"{row['title_vi']} — {row['title_en']}"
        meaning = f"{row['definition_vi']} — {row['definition_en']}"
        if row["definition_vi"] is None:
            meaning = f"{row['no_data_reason_vi']} — {row['no_data_reason_en']}"
        cells = (title, row["unit_of_measure"], meaning, row["source_clause"])
        yield f"| `{row['indicator_code']}` | {' | '.join(_cell(cell) for cell in cells)} |"


def _code_part() -> Iterator[str]:
    """Every code list with names and sources."""
    yield "\n## Codes"
    for kind, codes in code_lists().items():
        yield f"\n### {kind}\n"
        yield f"From `ref.{code_places()[kind].partition('.')[0]}`.\n"
        yield "| code | name | source |"
        yield "|---|---|---|"
        for each in codes:
            yield f"| `{each.code}` | {_cell(_both(each.name))} | {_cell(each.source)} |"


def _both(meaning: Meaning) -> str:
    return f"{meaning['vi']} — {meaning['en']}"


def _cell(text: object) -> str:
    return str(text or "").replace("|", "\\|").replace("\n", " ")


def main() -> None:
    """Write the page."""
    PAGE.write_text(dictionary_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
