"""A published warehouse with given indicator values, for tests of pages and lists."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onestop.marts.files import mart_files
from onestop.marts.publish import refresh_reference
from onestop.record.reference_versions import keep_reference
from onestop.settings import Settings
from onestop.warehouse import open_warehouse

if TYPE_CHECKING:
    from pathlib import Path

NIGHT = dt.date(2022, 6, 30)
#: The nights of the exports that many tests share.
FIRST, SECOND, THIRD = (dt.date(2022, 11, day) for day in (15, 16, 17))
#: The marts that are computed: the scorecard and what it reads besides the figures.
PUBLISHED = {"period", "target_in_force", "known_issue", "registered_unit", "scorecard"}
#: A rate of fewer cases is small.
SMALL = 30


@dataclass(frozen=True)
class Figure:
    """One row of mart.indicator_value, of the year to date or of a month."""

    indicator_code: str
    method_code: str
    unit_code: str
    numerator: int | None
    denominator: int | None
    target: float | None = None
    comparison: str | None = None
    status: str = "no_target"
    coverage: float | None = None
    firmness: str | None = None
    turned_by: str | None = None
    interval: tuple[float, float] | None = None
    month: dt.date | None = None


def settings_in(folder: Path) -> Settings:
    return Settings(
        exports=folder / "exports",
        landing=folder / "landing",
        warehouse=f"duckdb:///{folder / 'warehouse.duckdb'}",
        published=folder / "published" / "onestop.duckdb",
        sources=None,
        work=folder / "work",
    )


def publish(
    folder: Path,
    figures: list[Figure],
    *,
    night: dt.date = NIGHT,
    earlier: dict[dt.date, list[Figure]] | None = None,
    units: dict[str, str] | None = None,
) -> Settings:
    """Publish the figures of one night, and those of earlier nights as history.

    Args:
        folder: of the installation.
        figures: of the night.
        night: the night.
        earlier: the figures of earlier nights.
        units: the registered units and their levels.
    """
    settings = settings_in(folder)
    with open_warehouse(settings.warehouse) as warehouse:
        refresh_reference(warehouse)
        nights = {**(earlier or {}), night: figures}
        ordered = sorted(nights)
        for number, then in enumerate(ordered):
            until = ordered[number + 1] if number + 1 < len(ordered) else None
            for figure in nights[then]:
                _insert(warehouse, figure, then, until)
            warehouse.execute(
                "insert into audit.publication (publication_id, as_of_date, published_at,"
                " delivery_count, dossier_count, figures_sha256)"
                " values (:number, :night, :night, 0, 0, '')",
                {"number": number + 1, "night": then},
            )
        for unit, level in (units or {}).items():
            warehouse.execute(
                "insert into core.unit_history (unit_code, unit_name, unit_level, valid_from,"
                " delivery_id, row_number, content_hash)"
                " values (:unit, :unit, :level, :night, 'one_stop', 1, '')",
                {"unit": unit, "level": level, "night": ordered[0]},
            )
        warehouse.execute(
            "create table mart.indicator_value as select * exclude (valid_from, valid_to),"
            f" date '{night}' as as_of_date from mart.indicator_history where valid_to is null"
        )
        for file in mart_files():
            if file.name in PUBLISHED:
                make = warehouse.make_view if file.is_view else warehouse.make_table
                make(f"mart.{file.name}", file.select(night, "mart"))
        keep_reference(warehouse, night)
        warehouse.publish_copy(settings.published)
    return settings


def _insert(warehouse, figure: Figure, night: dt.date, until: dt.date | None) -> None:
    is_city = figure.unit_code == "CITY"
    value = None
    if figure.numerator is not None and figure.denominator:
        scale = 1 if figure.indicator_code == "counter_waiting_time" else 100
        value = scale * figure.numerator / figure.denominator
    warehouse.execute(
        "insert into mart.indicator_history (valid_from, valid_to, plan_code, indicator_code,"
        " method_code, unit_code, unit_level, unit_scope, period_type, period_basis, period_start,"
        " period_end, numerator, denominator, value, target, comparison, status, coverage,"
        " firmness, turned_by, rate_lower, rate_upper, is_small)"
        " values (:night, :until, '3818/QĐ-UBND', :indicator,"
        " :method, :unit, :level, :scope, :type, 'calendar', :start, null, :numerator,"
        " :denominator, :value, :target, :comparison, :status, :coverage, :firmness,"
        " :turned_by, :lower, :upper, :is_small)",
        {
            "night": night,
            "until": until,
            "indicator": figure.indicator_code,
            "method": figure.method_code,
            "unit": figure.unit_code,
            "level": "city" if is_city else figure.unit_code.lower(),
            "scope": "city" if is_city else "level",
            "type": "month" if figure.month else "year_to_date",
            "start": figure.month or dt.date(night.year, 1, 1),
            "numerator": figure.numerator,
            "denominator": figure.denominator,
            "value": value,
            "target": figure.target,
            "comparison": figure.comparison,
            "status": figure.status,
            "coverage": figure.coverage,
            "firmness": figure.firmness,
            "turned_by": figure.turned_by,
            "lower": figure.interval and figure.interval[0],
            "upper": figure.interval and figure.interval[1],
            "is_small": figure.interval and (figure.denominator or 0) < SMALL,
        },
    )
