"""The page of one unit, level or the city."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from onestop.figures.code_texts import code_names
from onestop.figures.due_soon import due_soon_folder, file_name
from onestop.figures.scorecard.any_figure import read_figure_lines
from onestop.figures.scorecard.values import ON_TIME
from onestop.figures.unit_names import label_column, unit_label
from onestop.figures.web import charts
from onestop.figures.web.overview import read_night_changes
from onestop.figures.web.shown_periods import (
    STATE_AT_END,
    STATE_INDICATORS,
    read_scorecard_year,
    reads_state,
)
from onestop.figures.web.site import (
    PageQuestionError,
    figure_text,
    point_value,
)
from onestop.marts.published import find_night
from onestop.said import said
from onestop.schema.number_text import target_text
from onestop.schema.time_zone import LOCAL_ZONE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from onestop.figures.web.shown_periods import ScorecardYear
    from onestop.figures.web.site import Visit
    from onestop.schema.number_text import Language
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

#: How many rows the lists of this page show.
_SHOWN = 12
#: A procedure needs so many dossiers to be among the worst.
_FEWEST = 5


def read_unit(warehouse: Warehouse, settings: Settings, visit: Visit) -> dict[str, Any]:
    """The values of ``unit.html``.

    Args:
        warehouse: the published marts, open.
        settings: of this installation.
        visit: the request, with ``code``: of a unit or a level, or ``CITY``.

    Raises:
        QuestionError: there is no such unit.
    """
    night = find_night(warehouse, None)
    unit = find_unit(warehouse, visit.query.get("code", ""))
    unit["unit_name"] = unit_label(unit["unit_code"], unit["unit_name"], visit.lang)
    code = unit["unit_code"]
    year = read_scorecard_year(warehouse, night)
    due = warehouse.rows(
        "select dossier_code, procedure_code, procedure_name, received_date, due_date,"
        " workdays_left from mart.due_soon where unit_code = :unit"
        f" order by due_date, dossier_code limit {_SHOWN}",
        {"unit": code},
    )
    return {
        "night": night,
        "unit": unit,
        "first": year.first,
        "last": year.last,
        "figures": _read_figures(warehouse, code, year, visit.lang),
        "states": reads_state(warehouse),
        "state_at_end": f"{STATE_INDICATORS[visit.lang]}: {STATE_AT_END[visit.lang]}",
        "methods": _read_methods(warehouse, code, year, visit.lang),
        "readings": _read_readings(warehouse, code, year, visit.lang),
        "backlog": _read_backlog(warehouse, code, visit.lang),
        "due": due,
        "due_count": int(
            warehouse.value(
                "select count(*) from mart.due_soon where unit_code = :unit", {"unit": code}
            )
            or 0
        ),
        "due_files": _due_files(settings, code),
        "worst": _read_worst(warehouse, code, year),
        "duration": _read_duration(warehouse, code, year),
        "waits": _read_waits(warehouse, code, year),
        "wait_times": _read_wait_times(warehouse, unit, visit.lang),
        "checks": _read_checks(warehouse, code, year, visit.lang),
        "signs": _read_sign_counts(warehouse, unit, visit.lang),
        "issues": _read_issues(warehouse, code, visit.lang),
        "changes": read_night_changes(warehouse, night, visit.lang, code),
        "members": _read_members(warehouse, unit),
    }


def read_unit_choices(warehouse: Warehouse, lang: Language) -> list[dict[str, Any]]:
    """The city, the levels and all units, as ``code`` and ``title``, for a form."""
    units = warehouse.rows(
        f"select unit_code as code, coalesce({label_column(warehouse)}, unit_code) as title"
        " from mart.unit"
        " order by case unit_scope when 'city' then 0 when 'level' then 1 else 2 end, unit_code"
    )
    for unit in units:
        unit["title"] = unit_label(unit["code"], unit["title"], lang)
    return units


def find_unit(warehouse: Warehouse, code: str) -> dict[str, Any]:
    """The unit, level or city of a code, as registered on the last night.

    Raises:
        QuestionError: there is none.
    """
    rows = warehouse.rows(
        f"select unit.unit_code, coalesce(unit.{label_column(warehouse)}, unit.unit_code)"
        " as unit_name,"
        " unit.unit_level, unit.unit_scope, unit.parent_unit_code,"
        f" parent.{label_column(warehouse)} as parent_name"
        " from mart.unit as unit left join mart.unit as parent"
        " on unit.parent_unit_code = parent.unit_code where unit.unit_code = :unit",
        {"unit": code},
    )
    if not code:
        raise PageQuestionError("no unit is chosen", remedy="see the page of all units")
    if not rows:
        raise PageQuestionError(
            said("no unit {code}", code=code), remedy="see the page of all units"
        )
    return rows[0]


def _read_figures(
    warehouse: Warehouse, unit: str, year: ScorecardYear, lang: Language
) -> list[dict[str, Any]]:
    """The indicators of the year so far by the scorecard's method, each with its months."""
    rows = warehouse.rows(
        f"select indicator.indicator_code, indicator.title_{lang} as title,"
        " indicator.unit_of_measure, figure.method_code, figure.period_type, figure.period_start,"
        " figure.numerator, figure.denominator, figure.value, figure.target, figure.comparison,"
        f" figure.status, status.label_{lang} as status_text, figure.shortfall, figure.rate_lower,"
        " figure.rate_upper, figure.is_small"
        " from mart.indicator_value as figure inner join ref.indicator as indicator"
        " on figure.indicator_code = indicator.indicator_code"
        " and figure.method_code = indicator.scorecard_method"
        " left join ref.figure_status as status on figure.status = status.status"
        " where figure.unit_code = :unit and figure.period_basis = 'calendar'"
        " and figure.period_type in ('month', :type)"
        " and figure.period_start between :first and :last"
        " order by indicator.position, figure.period_start",
        {"unit": unit, "first": year.first, "last": year.last, "type": year.period_type},
    )
    outlook = _read_outlook(warehouse, unit, lang)
    lines = read_figure_lines(warehouse, unit, year.first, year.last)
    months: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["period_type"] == "month":
            months[row["indicator_code"]].append(row)
    figures = []
    for row in rows:
        if row["period_type"] != year.period_type or row["status"] == "no_data":
            continue
        measure = row["unit_of_measure"]
        line = lines.get((row["indicator_code"], row["method_code"]))
        points = [
            charts.Point(
                str(each["period_start"].month),
                point_value(each),
                f"{each['period_start'].month}: {figure_text(each, measure, lang)}",
                is_small=bool(each["is_small"]),
            )
            for each in months[row["indicator_code"]]
        ]
        target = None if row["target"] is None else float(row["target"])
        words = "; ".join(point.text for point in points if point.value is not None)
        figures.append(
            {
                **row,
                "text": figure_text(row, measure, lang),
                "target_text": target_text(row["target"], row["comparison"], measure, lang),
                "spark": charts.sparkline(points, target, f"{row['title']}: {words}"),
                "outlook": outlook.get(row["indicator_code"]),
                "is_verified": line is None or line.verified,
                "unverified": line.unverified_text(lang) if line else "",
                # the readings are named beside the methods
                "firmness": line.short_firmness_text(lang) if line else "",
                "notes": line.remarks(lang) if line else [],
            }
        )
    return figures


def _read_outlook(warehouse: Warehouse, unit: str, lang: Language) -> dict[str, dict[str, Any]]:
    rows = warehouse.rows(
        "select outlook.indicator_code, outlook.status, outlook.needed_count,"
        " case when indicator.growth = 'growing_stock' then outlook.expected_new end"
        " as new_among_needed, outlook.is_still_possible, outlook.outlook_code,"
        f" code.label_{lang} as label, code.definition_{lang} as definition"
        " from mart.outlook as outlook inner join ref.indicator as indicator"
        " on outlook.indicator_code = indicator.indicator_code"
        " and (indicator.valid_from is null or indicator.valid_from <= outlook.as_of_date)"
        " and (indicator.valid_to is null or indicator.valid_to > outlook.as_of_date)"
        " left join ref.outlook_code as code on outlook.outlook_code = code.outlook_code"
        " where outlook.unit_code = :unit",
        {"unit": unit},
    )
    return {row["indicator_code"]: row for row in rows}


def _read_methods(
    warehouse: Warehouse, unit: str, year: ScorecardYear, lang: Language
) -> list[dict[str, Any]]:
    """The on-time rate of the year so far by every method."""
    return warehouse.rows(
        f"select figure.method_code, method.label_{lang} as label, method.used_by_vi,"
        " figure.numerator, figure.denominator, figure.value, figure.target, figure.status,"
        f" status.label_{lang} as status_text, coalesce(figure.is_small, false) as is_small,"
        " figure.rate_lower, figure.rate_upper"
        " from mart.indicator_value as figure"
        " inner join ref.method as method on figure.method_code = method.method_code"
        " left join ref.figure_status as status on figure.status = status.status"
        " where figure.indicator_code = :indicator and figure.unit_code = :unit"
        " and figure.period_type = :type and figure.period_basis = 'calendar'"
        " and figure.period_start = :first order by method.position",
        {"indicator": ON_TIME, "unit": unit, "first": year.first, "type": year.period_type},
    )


def _read_readings(
    warehouse: Warehouse, unit: str, year: ScorecardYear, lang: Language
) -> list[dict[str, Any]]:
    """The readings that give another verdict than the scorecard's method."""
    return warehouse.rows(
        f"select variant.reading_code, reading.label_{lang} as label, variant.numerator,"
        f" variant.denominator, variant.status, status.label_{lang} as status_text"
        " from mart.indicator_variant as variant"
        " inner join ref.reading as reading on variant.reading_code = reading.reading_code"
        " left join ref.figure_status as status on variant.status = status.status"
        " where variant.unit_code = :unit and variant.period_type = :type"
        " and variant.period_basis = 'calendar' and variant.period_start = :first"
        " and variant.turns_verdict order by variant.position",
        {"unit": unit, "first": year.first, "type": year.period_type},
    )


def _read_backlog(warehouse: Warehouse, unit: str, lang: Language) -> dict[str, Any]:
    """The open dossiers by age, and the overdue ones by days, with the longest bar of each."""
    rows = warehouse.rows(
        f"select band.band_kind, band.band_code, band.label_{lang} as label,"
        " coalesce(backlog.dossiers, 0) as dossiers,"
        " coalesce(backlog.dossiers_paused, 0) as dossiers_paused"
        " from ref.age_band as band left join mart.backlog as backlog"
        " on band.band_code = backlog.band_code and backlog.unit_code = :unit"
        " order by band.position",
        {"unit": unit},
    )
    by_kind = {
        kind: [row for row in rows if row["band_kind"] == kind] for kind in ("age", "overdue")
    }
    longest = max((row["dossiers"] for row in rows), default=0)
    for row in rows:
        row["share"] = row["dossiers"] / longest if longest else 0
    return {
        **by_kind,
        "open": sum(row["dossiers"] for row in by_kind["age"]),
        "paused": sum(row["dossiers_paused"] for row in by_kind["age"]),
        "late": sum(row["dossiers"] for row in by_kind["overdue"]),
    }


def _due_files(settings: Settings, unit: str) -> list[str]:
    """The names of the unit's files of dossiers that fall due soon."""
    name = file_name(unit)
    return [
        f"{name}.{ending}" for ending in ("csv", "xlsx") if due_file(settings, f"{name}.{ending}")
    ]


def due_file(settings: Settings, name: str) -> Path | None:
    """A file of dossiers that fall due soon; None if there is no such file."""
    path = due_soon_folder(settings.published) / name
    return path if path.is_file() else None


def _read_worst(warehouse: Warehouse, unit: str, year: ScorecardYear) -> list[dict[str, Any]]:
    """The procedures with the lowest on-time rate, by the upper bound of its interval."""
    return warehouse.rows(
        "select detail.procedure_key, named.procedure_name, detail.numerator, detail.denominator,"
        " detail.rate_lower, detail.rate_upper, detail.is_small"
        " from mart.on_time_detail as detail"
        " left join (select procedure_key, min(procedure_name) as procedure_name"
        " from mart.catalogue where valid_to is null group by procedure_key) as named"
        " on detail.procedure_key = named.procedure_key"
        " where detail.unit_code = :unit and detail.method_code = 'cohort'"
        " and detail.procedure_key <> 'ALL' and detail.period_type = :type"
        " and detail.period_basis = 'calendar' and detail.period_start = :first"
        f" and detail.denominator >= {_FEWEST} and detail.numerator < detail.denominator"
        f" order by detail.rate_upper, detail.procedure_key limit {_SHOWN}",
        {"unit": unit, "first": year.first, "type": year.period_type},
    )


def _read_duration(warehouse: Warehouse, unit: str, year: ScorecardYear) -> dict[str, Any] | None:
    rows = warehouse.rows(
        "select dossiers, median_workdays, p75_workdays, p90_workdays from mart.processing_time"
        " where unit_code = :unit and field_code = 'ALL' and procedure_key = 'ALL'"
        " and clock_code = 'office' and period_type = :type"
        " and period_basis = 'calendar' and period_start = :first",
        {"unit": unit, "first": year.first, "type": year.period_type},
    )
    return rows[0] if rows else None


def _read_waits(warehouse: Warehouse, unit: str, year: ScorecardYear) -> dict[str, Any] | None:
    rows = warehouse.rows(
        "select visits_total, visits_called, visits_no_show, visits_not_called, wait_seconds,"
        " visits_within_30_minutes, median_wait_seconds, p90_wait_seconds, days_with_tickets,"
        " workdays_in_period from mart.waiting_time where unit_code = :unit"
        " and period_type = :type and period_basis = 'calendar' and period_start = :first",
        {"unit": unit, "first": year.first, "type": year.period_type},
    )
    return rows[0] if rows and rows[0]["visits_called"] else None


_DAYS: dict[str, tuple[str, ...]] = {
    "vi": ("Thứ Hai", "Thứ Ba", "Thứ Tư", "Thứ Năm", "Thứ Sáu", "Thứ Bảy", "Chủ nhật"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}


def _read_wait_times(
    warehouse: Warehouse, unit: Mapping[str, Any], lang: Language
) -> dict[str, list[dict[str, Any]]]:
    """The average wait of a unit's visits by hour and by weekday of the ticket; of a unit only."""
    if unit["unit_scope"] != "unit":
        return {}
    local = f"ticket.issued_at at time zone '{LOCAL_ZONE.key}'"
    rows = warehouse.rows(
        f"select cast(extract(hour from {local}) as integer) as hour,"
        f" cast(extract(isodow from {local}) as integer) as weekday,"
        " count(*) as visits, cast(sum(visit.wait_seconds) as bigint) as wait_seconds"
        " from mart.counted_visit as visit inner join core.visit_history as ticket"
        " on visit.ticket_code = ticket.ticket_code and ticket.valid_to is null"
        " where visit.unit_code = :unit and ticket.unit_code = :unit"
        " and visit.visit_outcome = 'called' group by 1, 2",
        {"unit": unit["unit_code"]},
    )
    return {
        "hour": _averages(rows, "hour", {hour: f"{hour}:00" for hour in range(24)}),
        "weekday": _averages(rows, "weekday", dict(enumerate(_DAYS[lang], start=1))),
    }


def _averages(
    rows: Sequence[Mapping[str, Any]], by: str, labels: Mapping[int, str]
) -> list[dict[str, Any]]:
    sums: dict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for row in rows:
        visits, seconds = sums[row[by]]
        sums[row[by]] = (visits + row["visits"], seconds + row["wait_seconds"])
    means = {key: seconds / visits for key, (visits, seconds) in sums.items()}
    longest = max(means.values(), default=0)
    return [
        {
            "label": labels[key],
            "visits": sums[key][0],
            "seconds": means[key],
            "share": means[key] / longest if longest else 0,
        }
        for key in sorted(means)
    ]


def _read_checks(
    warehouse: Warehouse, unit: str, year: ScorecardYear, lang: Language
) -> list[dict[str, Any]]:
    """What the checks of the decrees found in the year so far, the most certain first."""
    if "decree_check" not in warehouse.tables("ref"):
        return []
    return warehouse.rows(
        f"select found.check_code, max(label.label_{lang}) as label,"
        " max(label.source_clause) as source_clause, max(found.found_strong) as found_strong,"
        " max(found.found_weak) as found_weak, max(found.period_end) as period_end"
        " from mart.decree_check_count as found"
        " inner join ref.decree_check as label on found.check_code = label.check_code"
        " where found.unit_code = :unit and found.period_type = :type"
        " and found.period_basis = 'calendar' and found.period_start = :first"
        " group by found.check_code order by max(found.found_strong) desc,"
        " max(found.found_weak) desc, found.check_code",
        {"unit": unit, "first": year.first, "type": year.period_type},
    )


def sign_condition(unit: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The condition on signs of a unit, a level or the city, with its parameters."""
    if unit["unit_scope"] == "city":
        return "true", {}
    column = "unit_level" if unit["unit_scope"] == "level" else "unit_code"
    return f"{column} = :unit", {"unit": unit[column]}


def _read_sign_counts(
    warehouse: Warehouse, unit: Mapping[str, Any], lang: Language
) -> list[dict[str, Any]]:
    """How many signs of edits after the deadline there are of each kind, the strongest first."""
    condition, values = sign_condition(unit)
    rows = warehouse.rows(
        "select change_kind, strength, count(*) as signs, count(distinct dossier_code) as dossiers"
        f" from mart.changed_after_overdue where {condition} group by change_kind, strength"
        " order by strength, count(*) desc, change_kind",
        values,
    )
    name_signs(rows, lang)
    return rows


def name_signs(rows: Iterable[dict[str, Any]], lang: Language) -> None:
    """Give rows of ``mart.changed_after_overdue`` ``kind`` and ``strength_text`` for people."""
    kinds, strengths = code_names("change_kind", lang), code_names("strength", lang)
    for row in rows:
        row["kind"] = kinds.get(row["change_kind"], row["change_kind"])
        row["strength_text"] = strengths.get(row["strength"], row["strength"])


def _read_issues(warehouse: Warehouse, unit: str, lang: Language) -> list[dict[str, Any]]:
    return warehouse.rows(
        f"select distinct issue.issue_code, issue.footnote_{lang} as footnote"
        " from mart.known_issue as issue inner join mart.known_issue_unit as affected"
        " on issue.issue_code = affected.issue_code where affected.unit_code = :unit"
        " order by issue.issue_code",
        {"unit": unit},
    )


def _read_members(warehouse: Warehouse, unit: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The units of which this one is the parent."""
    return warehouse.rows(
        f"select unit_code, coalesce({label_column(warehouse)}, unit_code) as unit_name"
        " from mart.unit where parent_unit_code = :unit and unit_scope = 'unit'"
        " order by unit_name, unit_code",
        {"unit": unit["unit_code"]},
    )
