"""Provinces that exist nowhere: packages with integers made from a small published night."""

from __future__ import annotations

import csv
import datetime as dt
import io
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from onestop.federation import registry as registries
from onestop.federation.package import FORM_COUNTS, open_package, write_package
from onestop.federation.packaging import package_night
from onestop.federation.signing import make_key, public_text, read_key
from onestop.marts.publish import digest_of
from onestop.warehouse.duckdb_files import open_duckdb

if TYPE_CHECKING:
    from pathlib import Path

    from onestop.settings import Settings

#: The nation's night in tests, and the moment at which packages are received.
NIGHT = dt.date(2022, 11, 15)
NOW = dt.datetime(2022, 11, 20, 8, tzinfo=dt.UTC)
#: How many provinces the nation has.
PROVINCES = 63
RULES = "a" * 64
_CASES = {"indicator_value": ("numerator", "denominator"), "form_06a": FORM_COUNTS}


@dataclass(frozen=True)
class Nation:
    """Generated provinces, with their keys and the registry.

    Attributes:
        folder: holds keys, registry and what tests write.
        written: the package of the published night.
        model: its tables, of few periods.
        codes: of the provinces.
    """

    folder: Path
    written: Path
    model: dict[str, pa.Table] = field(repr=False)
    codes: tuple[str, ...]

    @property
    def registry(self) -> Path:
        return self.folder / "provinces.csv"

    def key(self, code: str):
        return read_key(self.folder / f"{code}.pem")

    def with_registry(self, **cells: dict[str, str]) -> Nation:
        """The registry written anew; cells by province and column."""
        text = io.StringIO()
        writer = csv.DictWriter(text, registries.COLUMNS, lineterminator="\n")
        writer.writeheader()
        for code in self.codes:
            row = {
                "province_code": code,
                "name_vi": f"Tỉnh {code}",
                "name_en": f"Province {code}",
                "public_key": public_text(self.key(code).public_key()),
                "key_from": "2022-01-01",
                "key_to": "",
                "late_after_days": "0",
            }
            writer.writerow(row | cells.get(code, {}))
        self.registry.write_text(text.getvalue(), encoding="utf-8")
        return self

    def tables(self, code: str, factor: int) -> dict[str, pa.Table]:
        """The model with its cases taken so many times, and units of the province's own."""
        return scaled(self.model, code, factor)

    def package(
        self,
        code: str,
        factor: int,
        night: dt.date = NIGHT,
        *,
        hour: int = 1,
        tables: dict[str, pa.Table] | None = None,
        signed_by: str = "",
    ) -> bytes:
        """The bytes of a province's package.

        Args:
            code: of the province.
            factor: how many times the model's cases.
            night: its night.
            hour: of the next day, at which it was published.
            tables: defaults to those of the factor.
            signed_by: the province whose key signs it; defaults to its own.
        """
        tables = tables or self.tables(code, factor)
        tables = {name: _of_night(table, night) for name, table in tables.items()}
        moment = dt.datetime.combine(night + dt.timedelta(days=1), dt.time(hour), dt.UTC)
        facts = {
            "province_code": code,
            "as_of_date": night.isoformat(),
            "published_at": f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z",
            "publication_id": 1,
            "figures_sha256": digest(tables),
            "rules_sha256": RULES,
            "delivery_count": tables["delivery"].num_rows,
        }
        return write_package(facts, tables, self.key(signed_by or code))


def make_nation(settings: Settings, folder: Path, count: int = PROVINCES) -> Nation:
    """Provinces with keys and a registry, and the model of a published night."""
    folder.mkdir(parents=True, exist_ok=True)
    codes = tuple(f"P{number:02}" for number in range(1, count + 1))
    for code in codes:
        make_key(folder / f"{code}.pem")
    written = package_night(
        settings, NIGHT, folder / "model", province_code="P01", key=folder / "P01.pem"
    )
    tables = open_package(written.path.read_bytes()).tables()
    return Nation(folder, written.path, model_of(tables), codes).with_registry()


def model_of(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """The tables with the current month and the year so far, without rows of nothing."""
    kept = dict(tables)
    for name, cases in (("indicator_value", "denominator"), ("form_06a", "received_total")):
        table = tables[name]
        is_short = pc.or_(
            pc.equal(table["period_type"], "year_to_date"),
            pc.equal(table["period_start"], pa.scalar(NIGHT.replace(day=1))),
        )
        is_calendar = pc.equal(table["period_basis"], "calendar")
        is_filled = pc.not_equal(pc.fill_null(table[cases], 0), 0)
        kept[name] = table.filter(pc.and_(pc.and_(is_short, is_calendar), is_filled))
    kept["unit"] = tables["unit"].slice(0, 30)
    return kept


def scaled(model: dict[str, pa.Table], code: str, factor: int) -> dict[str, pa.Table]:
    """The tables with all cases taken so many times; declared figures stay."""
    tables = dict(model)
    for name, columns in _CASES.items():
        table = tables[name]
        times = pa.scalar(factor)
        for column in columns:
            cases = pc.multiply(table[column], times)
            if name == "indicator_value":
                is_declared = pc.equal(table["method_code"], "declared")
                cases = pc.if_else(is_declared, table[column], cases)
            table = table.set_column(table.column_names.index(column), column, cases)
        codes = table["unit_code"]
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


def digest(tables: dict[str, pa.Table]) -> str:
    connection = _scratch()
    for name in _CASES:
        connection.register(name, tables[name])
    return digest_of(
        lambda query: connection.sql(query).to_arrow_table(), "indicator_value", "form_06a"
    )


@cache
def _scratch():
    return open_duckdb(":memory:")


def with_cell(table: pa.Table, row: int, column: str, value: object) -> pa.Table:
    """The table with another value in one cell."""
    values = table[column].to_pylist()
    values[row] = value
    place = table.column_names.index(column)
    return table.set_column(place, column, pa.array(values, table.schema.field(column).type))


def national_settings(settings: Settings, folder: Path, warehouse: str = "") -> Settings:
    """The settings of a national office in a folder."""
    return replace(
        settings,
        landing=folder / "landing",
        warehouse=warehouse or f"duckdb:///{folder / 'nation.duckdb'}",
        published=folder / "published" / "onestop.duckdb",
        work=folder / "work",
        exports=folder / "exports",
    )
