"""``audit.reference_version``: the reference rows and the calendar, as published each night.

Published figures are kept in histories; these rows say by which plan, targets, code lists and days
off they were counted. An earlier night is read back with the rows of its time.
"""

from __future__ import annotations

import hashlib
import io
import json
from itertools import groupby
from operator import itemgetter
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
    kept = {name: versions[-1]["rows_sha256"] for name, versions in _versions(warehouse).items()}
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

    A night that an earlier release published, without keeping its rows, has those kept first.

    Returns:
        The rows of that night by table, such as ``ref.target``.
    """
    if not warehouse.columns("audit", _TABLE):
        return {}
    replaced = {}
    for name, versions in _versions(warehouse).items():
        number = max((n for n, one in enumerate(versions) if one["valid_from"] <= night), default=0)
        if number < len(versions) - 1:
            [row] = warehouse.rows(
                f"select column_types, content from audit.{_TABLE}"
                " where table_name = :name and valid_from = :valid_from",
                {"name": name, "valid_from": versions[number]["valid_from"]},
            )
            if row["content"] is not None:  # null: the table was gone that night
                replaced[name] = _table(row["column_types"], row["content"])
    return replaced


def _versions(warehouse: Warehouse) -> dict[str, list[dict[str, Any]]]:
    """First night and digest of the contents of each table, the first one first."""
    rows = warehouse.rows(
        f"select table_name, valid_from, rows_sha256 from audit.{_TABLE}"
        " order by table_name, valid_from"
    )
    return {name: list(of) for name, of in groupby(rows, key=itemgetter("table_name"))}


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
