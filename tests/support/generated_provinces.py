"""The nation of 63 invented provinces that the tests of the federation start from."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from onestop.federation.package import open_package
from onestop.federation.packaging import package_night
from onestop.federation.signing import make_key
from onestop.local.invented_provinces import InventedNation, invent_nation, with_cell

if TYPE_CHECKING:
    from onestop.settings import Settings

__all__ = ["NIGHT", "NOW", "PROVINCES", "make_nation", "national_settings", "with_cell"]

#: The nation's night in tests, and the moment at which packages are received.
NIGHT = dt.date(2022, 11, 15)
NOW = dt.datetime(2022, 11, 20, 8, tzinfo=dt.UTC)
#: How many provinces the nation has.
PROVINCES = 63


@dataclass(frozen=True)
class Nation(InventedNation):
    """An invented nation, and the package of the published night that it is made from."""

    written: Path = field(default=Path())


def make_nation(settings: Settings, folder: Path, count: int = PROVINCES) -> Nation:
    """Provinces with keys and a registry, from the first night of an installation."""
    folder.mkdir(parents=True, exist_ok=True)
    codes = tuple(f"P{number:02}" for number in range(1, count + 1))
    make_key(folder / "P01.pem")
    written = package_night(
        settings, NIGHT, folder / "model", province_code="P01", key=folder / "P01.pem"
    )
    tables = open_package(written.path.read_bytes()).tables()
    nation = invent_nation(folder, tables, NIGHT, codes)
    return Nation(folder, nation.model, NIGHT, codes, written.path)


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
