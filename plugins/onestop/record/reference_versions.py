"""``audit.reference_version``: the reference rows and the calendar, as published each night.

Published figures are kept in histories; these rows say by which plan, targets, code lists and days
off they were counted. An earlier night is read back with the rows of its time.
"""

from __future__ import annotations

import hashlib
import io
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv as arrow_csv

from onestop.schema.reference import reference_files
from onestop.warehouse.base import quoted
from onestop.warehouse.staged_names import CALENDAR, REFERENCE

if TYPE_CHECKING:
    import datetime as dt

    from onestop.warehouse import Warehouse

_TABLE = "reference_version"


def keep_reference(warehouse: Warehouse, as_of: dt.date) -> None:
    """Keep the published reference rows that differ from those kept last.

    To be called in the transaction that publishes night ``as_of``.
    """
    published = {
        ".".join(name): _content(warehouse.arrow(f"select * from {quoted(*name)}"))
        for name in (*((REFERENCE, name) for name in reference_files()), CALENDAR.split("."))
    }
    kept = {row["table_name"]: row["rows_sha256"] for row in _rows_of(warehouse, as_of)}
    for name in sorted(kept.keys() | published.keys()):
        types, content = published.get(name, (None, None))
        rows_sha256 = hashlib.sha256(f"{types}\n{content}".encode()).hexdigest()
        if kept.get(name) != rows_sha256:
            warehouse.execute(
                f"insert into audit.{_TABLE}"
                " (table_name, valid_from, rows_sha256, column_types, content)"
                " values (:name, :as_of, :rows_sha256, :types, :content)",
                {
                    "name": name,
                    "as_of": as_of,
                    "rows_sha256": rows_sha256,
                    "types": types,
                    "content": content,
                },
            )


def keeps_reference(warehouse: Warehouse) -> bool:
    """Whether reference rows are kept: the last night was published by a release that does so."""
    return _TABLE in warehouse.tables("audit") and bool(
        warehouse.value(f"select count(*) from audit.{_TABLE}")
    )


def replaced_since(warehouse: Warehouse, night: dt.date) -> dict[str, pa.Table]:
    """The tables whose rows on a published night are no longer those that readers see.

    Returns:
        The rows of that night by table, such as ``ref.target``. A table that an earlier release
        published without keeping it is left out.
    """
    if _TABLE not in warehouse.tables("audit"):
        return {}
    then = {row["table_name"]: row for row in _rows_of(warehouse, night)}
    later = warehouse.rows(
        f"select distinct table_name from audit.{_TABLE} where valid_from > :night",
        {"night": night},
    )
    return {
        name: _table(then[name]["column_types"], then[name]["content"])
        for name in sorted({row["table_name"] for row in later} & then.keys())
        if then[name]["content"] is not None
    }


def _rows_of(warehouse: Warehouse, night: dt.date) -> list[dict[str, Any]]:
    """The row of each table that was kept last up to a night."""
    return warehouse.rows(
        f"select kept.* from audit.{_TABLE} as kept inner join ("
        f"  select table_name, max(valid_from) as valid_from from audit.{_TABLE}"
        "  where valid_from <= :night group by table_name"
        " ) as last on kept.table_name = last.table_name and kept.valid_from = last.valid_from",
        {"night": night},
    )


def _content(table: pa.Table) -> tuple[str, str]:
    """Column types as JSON, and the sorted rows as CSV: the same for the same rows."""
    table = table.sort_by([(name, "ascending") for name in table.column_names])
    types = {
        field.name: "string" if pa.types.is_large_string(field.type) else str(field.type)
        for field in table.schema
    }
    with pa.BufferOutputStream() as text:
        arrow_csv.write_csv(table, text)
        return json.dumps(types), text.getvalue().to_pybytes().decode()


def _table(column_types: str, content: str) -> pa.Table:
    types = {name: pa.type_for_alias(kind) for name, kind in json.loads(column_types).items()}
    return arrow_csv.read_csv(
        io.BytesIO(content.encode()),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types=types,
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            null_values=[""],
        ),
    )
