"""``make demo-nation``: 63 invented provinces send packages, and a national office adds them up.

One night of sample data is published as a province would, and its package is the model of 63. One
has a wrong signature, one does not add up, two are a night behind, and one sends its night again.
All files are under ``var/demo-nation/``.
"""

from __future__ import annotations

import datetime as dt
import shutil
from typing import TYPE_CHECKING, cast

import typer

from onestop.federation.federating import federate
from onestop.federation.package import ENDING, open_package
from onestop.federation.packaging import package_night
from onestop.federation.registry import read_registry
from onestop.federation.scorecard import print_nation
from onestop.federation.sentences import federated_sentences
from onestop.federation.signing import make_key
from onestop.files import write_whole
from onestop.language import chosen_language
from onestop.local.invented_provinces import invent_nation
from onestop.night import run_night
from onestop.sample import write_sample
from onestop.schema.project import PROJECT_ROOT
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from onestop.federation.federating import Federated
    from onestop.local.invented_provinces import InventedNation
    from onestop.said import Language

FOLDER = PROJECT_ROOT / "var" / "demo-nation"
NIGHT = dt.date(2022, 11, 24)
#: The provinces of the country.
COUNT = 63
_TEXT: dict[str, dict[Language, str]] = {
    "night": {
        "vi": "Một đêm mẫu, làm mẫu cho gói số liệu của {count} tỉnh không có thật …",
        "en": "One sample night, the model of the packages of {count} invented provinces …",
    },
    "first": {"vi": "\nCác gói số liệu đến lần đầu:", "en": "\nThe packages come:"},
    "again": {
        "vi": "\n{code} gửi lại đêm đó với số liệu khác:",
        "en": "\n{code} sends its night again, with other figures:",
    },
    "then": {
        "vi": "\nTiếp theo:\n  export ONESTOP_VAR={folder}\n"
        "  .venv/bin/onestop nation --list provinces\n  .venv/bin/onestop nation --list packages\n"
        "  .venv/bin/onestop nation --list restated",
        "en": "\nNext:\n  export ONESTOP_VAR={folder}\n"
        "  .venv/bin/onestop nation --list provinces\n  .venv/bin/onestop nation --list packages\n"
        "  .venv/bin/onestop nation --list restated",
    },
}


def run_demo_nation(folder: Path = FOLDER, lang: Language = "vi", count: int = COUNT) -> None:
    """Show a federation of invented provinces; an earlier demonstration is replaced.

    Args:
        folder: of all files.
        lang: of what is printed.
        count: of the provinces; at least eight.
    """
    shutil.rmtree(folder, ignore_errors=True)
    typer.echo(_TEXT["night"][lang].format(count=count))
    nation = _invented(folder, count)
    inbox = folder / "inbox"
    for name, data in _packages(nation).items():
        write_whole(inbox / f"{name}{ENDING}", data)
    office = _settings(folder)
    registry = read_registry(nation.registry)
    now = dt.datetime.combine(NIGHT + dt.timedelta(days=1), dt.time(9), LOCAL_ZONE)

    typer.echo(_TEXT["first"][lang])
    _tell(federate(office, registry, [str(inbox)], now=now), lang)
    code = nation.codes[0]
    again = folder / "again"
    write_whole(again / f"{code}{ENDING}", nation.package(code, 40, hour=5))
    typer.echo(_TEXT["again"][lang].format(code=code))
    later = now + dt.timedelta(hours=5)
    _tell(federate(office, registry, [str(again)], now=later), lang)
    typer.echo()
    print_nation(office, lang)
    typer.echo(_TEXT["then"][lang].format(folder=folder))


def _tell(done: Federated, lang: Language) -> None:
    for sentence in federated_sentences(done):
        typer.echo(f"  {sentence.in_language(lang)}")


def _invented(folder: Path, count: int) -> InventedNation:
    """A night published as a province would, and the provinces made from its package."""
    province = _settings(folder / "province")
    write_sample(cast("Path", province.exports), NIGHT, NIGHT, per_day=30, dirt_percent=0)
    run_night(province, NIGHT)
    keys = folder / "keys"
    make_key(keys / "P01.pem")
    written = package_night(
        province, NIGHT, folder / "model", province_code="P01", key=keys / "P01.pem"
    )
    tables = open_package(written.path.read_bytes()).tables()
    codes = tuple(f"P{number:02}" for number in range(1, count + 1))
    return invent_nation(keys, tables, NIGHT, codes)


def _packages(nation: InventedNation) -> dict[str, bytes]:
    """A package of each province: one forged, one unsound, two a night behind."""
    forged, unsound, *behind = nation.codes[-4:]
    found = {}
    for factor, code in enumerate(nation.codes, start=1):
        night = NIGHT - dt.timedelta(days=1) if code in behind else NIGHT
        found[code] = nation.package(code, factor, night)
    found[forged] = nation.package(forged, 9, signed_by=nation.codes[0])
    found[unsound] = nation.unsound_package(unsound, 9)
    return found


def _settings(folder: Path) -> Settings:
    return Settings(
        exports=folder / "exports",
        landing=folder / "landing",
        warehouse=f"duckdb:///{folder / 'warehouse.duckdb'}",
        published=folder / "published" / "onestop.duckdb",
        sources=None,
        work=folder / "work",
    )


if __name__ == "__main__":
    run_demo_nation(lang=chosen_language())
