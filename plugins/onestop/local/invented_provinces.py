"""Provinces that exist nowhere: packages with integers made from one published night.

For the demonstration and the tests of the federation. The cases of the night are taken so many
times by each province, so that its units, levels and city add up as the night's do.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute

from onestop.federation import registry as registries
from onestop.federation.package import FORM_COUNTS, write_package
from onestop.federation.signing import make_key, public_text, read_key
from onestop.files import write_whole
from onestop.marts.publish import digest_of
from onestop.warehouse.duckdb_files import open_duckdb

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import duckdb
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

#: Its functions' types do not fit columns of any type.
pc: Any = pyarrow.compute
_CASES = {"indicator_value": ("numerator", "denominator"), "form_06a": FORM_COUNTS}
_RULES = "a" * 64
#: How many units' names a package has.
_UNITS = 30


@dataclass(frozen=True)
class InventedNation:
    """Invented provinces, with their keys and the registry.

    Attributes:
        folder: holds the keys and the registry.
        model: the tables of a published night, of few periods.
        night: that night.
        codes: of the provinces.
    """

    folder: Path
    model: dict[str, pa.Table] = field(repr=False)
    night: dt.date
    codes: tuple[str, ...]

    @property
    def registry(self) -> Path:
        """The registry of the provinces."""
        return self.folder / "provinces.csv"

    def key(self, code: str) -> Ed25519PrivateKey:
        """A province's private key."""
        return read_key(self.folder / f"{code}.pem")

    def tables(self, code: str, factor: int) -> dict[str, pa.Table]:
        """The model with its cases taken so many times, and units of the province's own."""
        return _scaled(self.model, code, factor)

    def package(
        self,
        code: str,
        factor: int,
        night: dt.date | None = None,
        *,
        hour: int = 1,
        tables: dict[str, pa.Table] | None = None,
        signed_by: str = "",
    ) -> bytes:
        """The bytes of a province's package.

        Args:
            code: of the province.
            factor: how many times the model's cases.
            night: defaults to the model's.
            hour: when it was published, in hours after the next day's midnight (UTC).
            tables: defaults to those of the factor.
            signed_by: the province whose key signs it; defaults to its own.
        """
        as_of = night or self.night
        given = tables or self.tables(code, factor)
        given = {name: _of_night(table, as_of) for name, table in given.items()}
        moment = dt.datetime.combine(as_of + dt.timedelta(days=1), dt.time(), dt.UTC)
        moment += dt.timedelta(hours=hour)
        facts = {
            "province_code": code,
            "as_of_date": as_of.isoformat(),
            "published_at": f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z",
            "publication_id": 1,
            "figures_sha256": _digest(given),
            "rules_sha256": _RULES,
            "delivery_count": given["delivery"].num_rows,
        }
        return write_package(facts, given, self.key(signed_by or code))

    def unsound_package(self, code: str, factor: int) -> bytes:
        """A signed package whose city has one open dossier more than its levels."""
        tables = self.tables(code, factor)
        forms = tables["form_06a"]
        city = forms["unit_scope"].to_pylist().index("city")
        count = forms["open_in_time"][city].as_py() + 1
        tables["form_06a"] = with_cell(forms, city, "open_in_time", count)
        return self.package(code, factor, tables=tables)


def invent_nation(
    folder: Path, tables: Mapping[str, pa.Table], night: dt.date, codes: tuple[str, ...]
) -> InventedNation:
    """Provinces with keys and a registry.

    Args:
        folder: gets keys and registry; existing keys stay.
        tables: of the package of a published night.
        night: that night.
        codes: of the provinces.
    """
    nation = InventedNation(folder, _model_of(tables, night), night, codes)
    lines = [registries.COLUMNS]
    for code in codes:
        if not (folder / f"{code}.pem").exists():
            make_key(folder / f"{code}.pem")
        public = public_text(nation.key(code).public_key())
        # no cell needs quotation marks
        lines.append((code, f"Tỉnh {code}", f"Province {code}", public, "2022-01-01", "", "0"))
    write_whole(nation.registry, "".join(f"{','.join(cells)}\n" for cells in lines))
    return nation


def with_cell(table: pa.Table, row: int, column: str, value: object) -> pa.Table:
    """The table with another value in one cell."""
    values = table[column].to_pylist()
    values[row] = value
    type_ = table.schema.field(column).type
    return table.set_column(table.column_names.index(column), column, pa.array(values, type_))


def _model_of(tables: Mapping[str, pa.Table], night: dt.date) -> dict[str, pa.Table]:
    """The tables with the current month and the year so far, without rows of nothing."""
    kept = dict(tables)
    for name, cases in (("indicator_value", "denominator"), ("form_06a", "received_total")):
        table = tables[name]
        is_short = pc.or_(
            pc.equal(table["period_type"], "year_to_date"),
            pc.equal(table["period_start"], pa.scalar(night.replace(day=1))),
        )
        is_calendar = pc.equal(table["period_basis"], "calendar")
        is_filled = pc.not_equal(pc.fill_null(table[cases], 0), 0)
        kept[name] = table.filter(pc.and_(pc.and_(is_short, is_calendar), is_filled))
    kept["unit"] = tables["unit"].slice(0, _UNITS)
    return kept


def _scaled(model: Mapping[str, pa.Table], code: str, factor: int) -> dict[str, pa.Table]:
    """The tables with all cases taken so many times; declared figures stay."""
    tables = dict(model)
    for name, columns in _CASES.items():
        table = tables[name]
        for column in columns:
            cases = pc.multiply(table[column], pa.scalar(factor))
            if name == "indicator_value":
                is_declared = pc.equal(table["method_code"], "declared")
                cases = pc.if_else(is_declared, table[column], cases)
            table = table.set_column(table.column_names.index(column), column, cases)
        codes: Any = table["unit_code"]
        own = pc.if_else(
            pc.equal(table["unit_scope"], "unit"),
            pc.replace_substring(codes, "H24", code),
            codes,
        )
        tables[name] = table.set_column(table.column_names.index("unit_code"), "unit_code", own)
    return tables


def _of_night(table: pa.Table, night: dt.date) -> pa.Table:
    """The table with the year so far ending on the night."""
    if "period_type" not in table.column_names:
        return table
    ends = pc.if_else(
        pc.equal(table["period_type"], "year_to_date"), pa.scalar(night), table["period_end"]
    )
    return table.set_column(table.column_names.index("period_end"), "period_end", ends)


def _digest(tables: Mapping[str, pa.Table]) -> str:
    connection = _scratch()
    for name in _CASES:
        connection.register(name, tables[name])

    def arrow(query: str) -> pa.Table:
        table: pa.Table = connection.sql(query).to_arrow_table()
        return table

    return digest_of(arrow, "indicator_value", "form_06a")


@cache
def _scratch() -> duckdb.DuckDBPyConnection:
    return open_duckdb(":memory:")
