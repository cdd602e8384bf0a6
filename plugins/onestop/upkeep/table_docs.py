"""The page that documents the tables: grain, columns, units, codes and their sources.

``make docs`` writes it to ``docs/dictionary.md``; a test fails when it is out of date. Types are
those of an empty warehouse; the texts are those of the comments in the database.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from onestop.marts.compute import compute_marts
from onestop.marts.descriptions import column_texts, label_kind, table_keys, table_texts
from onestop.marts.publish import refresh_reference
from onestop.schema.project import PROJECT_ROOT
from onestop.schema.reference import ReferenceColumn, read_reference, reference_files
from onestop.warehouse import duckdb_address, open_warehouse
from onestop.warehouse.staged_names import PUBLISHED, STAGED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PAGE = PROJECT_ROOT / "docs" / "dictionary.md"
#: Name and type of the columns of each table, by schema and table.
Columns = dict[tuple[str, str], list[tuple[str, str]]]

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
lists; [audit](#audit), files, rules, nights; [core](#core), the record. Then
[indicators](#indicators) and [codes](#codes).
"""
_SCHEMAS = (PUBLISHED, "ref", "audit", "core")
#: The reference table and column that hold the codes of a kind, and their labels.
_KINDS: Mapping[str, str] = {
    "band_code": "age_band.band_code",
    "cause_code": "change_cause.cause_code",
    "channel": "channel.channel",
    "check_code": "decree_check.check_code",
    "class_at_end": "period_class.class_at_end",
    "closing_class": "closing_class.closing_class",
    "dossier_status": "status.status",
    "figure_status": "figure_status.status",
    "firmness": "firmness.firmness",
    "method_code": "method.method_code",
    "outlook_code": "outlook_code.outlook_code",
    "period_basis": "period_basis.period_basis",
    "period_type": "period_type.period_type",
    "plan_code": "plan.plan_code",
    "projection_code": "projection.projection_code",
    "provision_code": "service_level_map.provision_code",
    "reading_code": "reading.reading_code",
    "report_code": "report_calendar.report_code",
    "timeliness": "timeliness.timeliness",
    "unit_level": "unit_level.unit_level",
}
#: The unit of a quantity, by the ending of its name.
_UNITS = {
    "_seconds": "seconds",
    "_minutes": "minutes",
    "_workdays": "working days",
    "_days": "days",
    "_bytes": "bytes",
}
_INDICATORS = "indicator_code"


def dictionary_page() -> str:
    """The whole page, as Markdown."""
    columns = _columns()
    parts = [_HEAD]
    for schema in _SCHEMAS:
        parts.append(f"\n## {schema}")
        for name, table in sorted(columns):
            if name == schema:
                parts += _table_part(schema, table, columns[name, table])
    parts += _indicator_part(read_reference()["indicator"])
    parts += _code_part()
    return "\n".join(parts) + "\n"


def _columns() -> Columns:
    """The described tables of an empty warehouse."""
    described = table_texts()
    with TemporaryDirectory() as folder:
        address = duckdb_address(Path(folder) / "empty.duckdb")
        with open_warehouse(address) as warehouse:
            refresh_reference(warehouse)
            compute_marts(warehouse, dt.date(2022, 12, 31))
            rows = warehouse.rows(
                "select table_schema as schema, table_name as name, column_name as column,"
                " data_type as type from information_schema.columns"
                " order by table_schema, table_name, ordinal_position"
            )
    found: Columns = {}
    for row in rows:
        table = (PUBLISHED if row["schema"] == STAGED else row["schema"], row["name"])
        if table in described:
            found.setdefault(table, []).append((row["column"], _plain(row["type"])))
    return found


def _plain(type_: str) -> str:
    return type_.lower().replace("timestamp with time zone", "timestamptz").replace(",", ", ")


def _table_part(schema: str, table: str, columns: Sequence[tuple[str, str]]) -> Iterator[str]:
    key = table_keys().get((schema, table), ())
    yield f"\n### {schema}.{table}\n"
    yield f"{table_texts()[schema, table]}.\n"
    if key:
        yield f"Key: {', '.join(f'`{name}`' for name in key)}.\n"
    else:
        yield "Key: none; rows are added up.\n"
    yield "| column | type | meaning | codes |"
    yield "|---|---|---|---|"
    own = reference_files()[table].columns if schema == "ref" else {}
    texts = column_texts()
    for name, type_ in columns:
        unit = next((unit for ending, unit in _UNITS.items() if name.endswith(ending)), "")
        typed = f"{type_}, {unit}" if unit and type_ != "varchar" else type_
        if name in own:
            meaning, codes = f"{own[name].vi} — {own[name].en}", _listed_codes(own[name])
        else:
            meaning, codes = texts[name], _linked_kind(table, name)
        yield f"| `{name}` | {typed} | {_cell(meaning)} | {codes} |"


def _listed_codes(column: ReferenceColumn) -> str:
    """The values of a reference column: its own list, or those of another table."""
    if column.of:
        return f"`ref.{column.of}`"
    return ", ".join(f"`{code}`" for code in column.codes)


def _linked_kind(table: str, column: str) -> str:
    kind = label_kind(table, column)
    if kind == _INDICATORS:
        return "[indicators](#indicators)"
    return f"[{kind}](#{kind})" if kind in _KINDS else f"`{kind}`" if kind else ""


def _indicator_part(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Every indicator with its formula in words and its source."""
    yield "\n## Indicators"
    yield "\nOf the plan, in the scorecard's order; targets are in `ref.target`.\n"
    yield "| code | title | unit | definition | source |"
    yield "|---|---|---|---|---|"
    for row in rows:
        title = f"{row['title_vi']} — {row['title_en']}"
        meaning = f"{row['definition_vi']} — {row['definition_en']}"
        if row["definition_vi"] is None:
            meaning = f"{row['no_data_reason_vi']} — {row['no_data_reason_en']}"
        cells = (title, row["unit_of_measure"], meaning, row["source_clause"])
        yield f"| `{row['indicator_code']}` | {' | '.join(_cell(cell) for cell in cells)} |"


def _code_part() -> Iterator[str]:
    """Every code list with names and sources."""
    yield "\n## Codes"
    reference = read_reference()
    for kind, place in sorted(_KINDS.items()):
        table, _, column = place.partition(".")
        label = "title" if "title_vi" in reference_files()[table].columns else "label"
        yield f"\n### {kind}\n"
        yield f"From `ref.{table}`.\n"
        yield "| code | name | source |"
        yield "|---|---|---|"
        lines = []
        for row in reference[table]:
            name = f"{row[label + '_vi']} — {row[label + '_en']}"
            lines.append(f"| `{row[column]}` | {_cell(name)} | {_cell(row['source_clause'])} |")
        yield from dict.fromkeys(lines)


def _cell(text: object) -> str:
    return str(text or "").replace("|", "\\|").replace("\n", " ")


def main() -> None:
    """Write the page."""
    PAGE.write_text(dictionary_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
