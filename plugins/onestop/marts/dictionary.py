"""What the tables, columns and codes mean, for the page of the dictionary and its file in docs/.

The texts are those of the comments in the database; names and types of the columns are those of a
warehouse.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from onestop.marts.descriptions import (
    column_meaning,
    column_unit,
    label_kind,
    table_keys,
    table_meanings,
)
from onestop.schema.reference import read_reference, reference_files
from onestop.warehouse.staged_names import PUBLISHED, STAGED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from onestop.marts.descriptions import Meaning
    from onestop.schema.reference import Row
    from onestop.warehouse import Warehouse

#: The schemas, in the order in which people need them.
SCHEMAS = (PUBLISHED, "ref", "audit", "core", "national")
#: The reference table and column of each kind of codes that has a table of its own.
_TABLES_OF_CODES: Mapping[str, str] = {
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


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: of the column.
        type: of DuckDB; PostgreSQL has the same ones (``decimal`` as ``numeric``).
        unit: of a quantity, by language; None for any other column.
        meaning: by language.
        kind: of ``mart.label`` that names its codes; None without one.
        codes: of a reference table: the values that it may hold.
        of: of a reference table: ``table.column`` that its values refer to.
    """

    name: str
    type: str
    unit: Meaning | None
    meaning: Meaning
    kind: str | None
    codes: Sequence[str] = ()
    of: str | None = None


@dataclass(frozen=True)
class Table:
    """A table that is described.

    Attributes:
        schema: ``mart``, ``ref``, ``audit``, ``core`` or ``national``.
        name: without its schema.
        meaning: of a row, by language.
        key: columns that identify a row; empty where rows are only added up.
        columns: in order.
    """

    schema: str
    name: str
    meaning: Meaning
    key: Sequence[str]
    columns: Sequence[Column]

    @property
    def full_name(self) -> str:
        """With its schema."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class Code:
    """A code of a list, with its name by language and its source clause."""

    code: str
    name: Meaning
    source: str


def described_tables(warehouse: Warehouse) -> list[Table]:
    """The tables of a warehouse that are described, by schema and name.

    Args:
        warehouse: open; staged marts stand for published ones that do not exist yet.
    """
    meanings = table_meanings()
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for row in warehouse.rows(
        "select table_schema as schema, table_name as name, column_name as column,"
        " data_type as type, numeric_precision as digits, numeric_scale as decimals"
        " from information_schema.columns order by table_schema, table_name, ordinal_position"
    ):
        table = (row["schema"], row["name"])
        type_ = _plain(row["type"])
        if type_ == "numeric" and row["digits"] is not None:
            type_ = f"decimal({row['digits']}, {row['decimals']})"
        found.setdefault(table, []).append((row["column"], type_))
    for schema, name in list(found):
        if schema == STAGED:
            found.setdefault((PUBLISHED, name), found[schema, name])
    keys = table_keys()
    return [
        Table(
            schema,
            name,
            meanings[schema, name],
            keys.get((schema, name), ()),
            [_column(schema, name, *column) for column in found[schema, name]],
        )
        for schema, name in sorted(
            found.keys() & meanings.keys(), key=lambda table: (SCHEMAS.index(table[0]), table[1])
        )
    ]


def _plain(type_: str) -> str:
    plain = type_.lower().replace("timestamp with time zone", "timestamptz").replace(",", ", ")
    return _SAME_TYPES.get(plain, plain)


#: Types of PostgreSQL by the name that DuckDB has for them.
_SAME_TYPES = {
    "character varying": "varchar",
    "text": "varchar",
    "double precision": "double",
    "timestamp without time zone": "timestamp",
}


def _column(schema: str, table: str, name: str, type_: str) -> Column:
    unit = None if type_ == "varchar" else column_unit(table, name)
    own = reference_files()[table].columns.get(name) if schema == "ref" else None
    if own is not None:
        meaning: Meaning = {"vi": own.vi, "en": own.en}
        return Column(name, type_, unit, meaning, None, own.codes, own.of)
    meaning = column_meaning(table, name) or {"vi": "", "en": ""}
    return Column(name, type_, unit, meaning, label_kind(table, name))


def read_indicators() -> list[Row]:
    """The rows of ``ref.indicator``, in the scorecard's order."""
    return read_reference()["indicator"]


@cache
def code_places() -> dict[str, str]:
    """The reference table and column that hold the codes of a kind, and their labels."""
    of_selects = {str(row["code_kind"]) for row in read_reference()["code_label"]}
    return {**_TABLES_OF_CODES, **dict.fromkeys(of_selects, "code_label.code")}


@cache
def code_lists() -> dict[str, list[Code]]:
    """The codes of each kind of :func:`code_places`."""
    reference = read_reference()
    lists = {}
    for kind, place in sorted(code_places().items()):
        table, _, column = place.partition(".")
        label = "title" if "title_vi" in reference_files()[table].columns else "label"
        codes = {}
        for row in reference[table]:
            if row.get("code_kind", kind) != kind:
                continue
            name: Meaning = {"vi": str(row[f"{label}_vi"]), "en": str(row[f"{label}_en"])}
            code = Code(str(row[column]), name, str(row["source_clause"] or ""))
            codes[code.code, *name.values(), code.source] = code
        lists[kind] = list(codes.values())
    return lists
