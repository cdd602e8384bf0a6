"""Overview: each indicator of the plan against its target, and what the last night changed."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from onestop.figures.decisions import decision_notes
from onestop.figures.issued import read_issued_reports
from onestop.figures.scorecard.turned import read_turned
from onestop.figures.scorecard.values import (
    COUNTED_VERDICTS,
    ON_TIME,
    count_verdicts,
    in_reading_order,
    main_line,
    read_lines,
    status_text,
)
from onestop.figures.unit_names import LEVELS
from onestop.figures.web import charts
from onestop.figures.web.nights import read_lacking
from onestop.figures.web.shown_periods import (
    STATE_AT_END,
    STATE_INDICATORS,
    read_months,
    reads_state,
)
from onestop.figures.web.site import figure_text, month_label, point_value
from onestop.marts.published import find_night, published_nights
from onestop.schema.number_text import day, percent, target_text, whole, with_unit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from onestop.figures.scorecard import ScorecardLine
    from onestop.figures.web.site import Visit
    from onestop.schema.number_text import Language
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

#: Nights of the trends.
NIGHTS = 30
_CITY = "CITY"

Key = tuple[str, str]


def read_overview(warehouse: Warehouse, settings: Settings, visit: Visit) -> dict[str, Any]:
    """The values of ``overview.html``.

    Args:
        warehouse: the published marts, open.
        settings: of this installation.
        visit: the request.

    Raises:
        NothingPublishedError: no night is published yet.
    """
    night = find_night(warehouse, None)
    lines = read_lines(warehouse, night)
    trends = _Trends(warehouse, night, lines, visit.lang)
    outlook = _read_outlook(warehouse)
    indicators = [
        _indicator(of_indicator, trends, outlook, visit) for of_indicator in in_reading_order(lines)
    ]
    known = [indicator for indicator in indicators if indicator["has_data"]]
    first = next((each for each in known if each["code"] == ON_TIME), None)
    levels = [(code, texts[visit.lang]) for code, texts in LEVELS.items()]
    return {
        "night": night,
        "lacking": read_lacking(warehouse, night, visit.lang),
        "published_at": warehouse.value("select max(published_at) as at from audit.publication"),
        "plan": lines[0].plan_code if lines else "",
        "first": first,
        "indicators": [each for each in known if each is not first],
        "without_data": [each for each in indicators if not each["has_data"]],
        "levels": levels,
        "state_at_end": STATE_AT_END[visit.lang],
        "states": reads_state(warehouse),
        "state_indicators": STATE_INDICATORS[visit.lang],
        "counts": [
            (status, status_text(status, visit.lang), count)
            for status, count in count_verdicts(lines).items()
        ],
        "counted": COUNTED_VERDICTS[visit.lang],
        "changes": read_night_changes(warehouse, night, visit.lang),
        "turned": _read_turned(warehouse, night, visit.lang),
        "decisions": decision_notes(warehouse, night, visit.lang, names_people=visit.reads_record),
        "reports": read_reports(warehouse, settings, night, visit.lang),
    }


_SIDES = ("before", "after")


def _indicator(
    of_indicator: Sequence[ScorecardLine],
    trends: _Trends,
    outlook: Mapping[Key, Mapping[str, Any]],
    visit: Visit,
) -> dict[str, Any]:
    lang = visit.lang
    by_unit = {line.unit_code: line for line in of_indicator}
    clauses = dict.fromkeys(line.clause_code for line in of_indicator)
    main = main_line(of_indicator)
    return {
        "code": main.indicator_code,
        "title": main.text("title", lang),
        "clauses": ", ".join(clauses),
        "has_data": main.status != "no_data",
        "reason": main.text("no_data_reason", lang),
        "owner": main.owner_vi,
        "cells": [_cell(by_unit[code], visit) if code in by_unit else None for code in LEVELS],
        "not_applicable": ", ".join(LEVELS[code][lang] for code in LEVELS if code not in by_unit),
        "main": _cell(main, visit),
        "target": target_text(main.target, main.comparison, main.unit_of_measure, lang),
        "is_verified": main.verified,
        "unverified": main.unverified_text(lang),
        "notes": main.remarks(lang),
        "firmness": main.firmness_text(lang),
        "shortfall": main.shortfall_text(lang),
        "outlook": outlook.get((main.indicator_code, main.unit_code)),
        "months": trends.months(main),
        "nights": trends.nights(main),
        "month_rows": trends.month_rows(main),
        "large": trends.large(main) if main.indicator_code == ON_TIME else None,
    }


def _cell(line: ScorecardLine, visit: Visit) -> dict[str, Any]:
    lang = visit.lang
    has_counts = line.denominator is not None and line.numerator is not None
    row = {
        "numerator": line.numerator,
        "denominator": line.denominator,
        "value": line.value,
        "target": line.target,
    }
    numerator = whole(line.numerator or 0, lang)
    denominator = whole(line.denominator or 0, lang)
    return {
        "status": line.status,
        "status_text": status_text(line.status, lang),
        "unit_code": line.unit_code,
        "text": "–" if line.status == "no_data" else figure_text(row, line.unit_of_measure, lang),
        "counts": f"{numerator} / {denominator}"
        if has_counts and line.unit_of_measure not in {"rank", "seconds"}
        else "",
        "is_small": bool(line.is_small),
        "interval": line.interval_text(lang),
        "coverage": line.short_coverage_text(lang),
        "whole_coverage": line.coverage_text(lang),
        "firmness": line.firmness_text(lang),
        "short_firmness": line.short_firmness_text(lang),
        "link": figure_link(visit, line)
        if line.status != "no_data" and line.method_code is not None
        else "",
    }


def figure_link(visit: Visit, line: ScorecardLine) -> str:
    """The address of the items behind a figure of the scorecard."""
    return visit.link(
        "figure",
        indicator=line.indicator_code,
        method=line.method_code,
        unit=line.unit_code,
        from_=line.period_start,
        to=min(line.period_end, line.as_of_date),
    )


def _read_outlook(warehouse: Warehouse) -> dict[Key, Mapping[str, Any]]:
    """The outlook of levels and the city, by indicator and unit."""
    if "outlook" not in warehouse.relations("mart"):
        return {}
    rows = warehouse.rows(
        "select outlook.indicator_code, outlook.unit_code,"
        " outlook.is_still_possible, outlook.remaining_total, outlook.outlook_code,"
        " code.label_vi, code.label_en, code.definition_vi, code.definition_en"
        " from mart.outlook as outlook"
        " left join ref.outlook_code as code on outlook.outlook_code = code.outlook_code"
        " where outlook.unit_scope in ('city', 'level')"
    )
    return {(row["indicator_code"], row["unit_code"]): row for row in rows}


class _Trends:
    """The months of the last year and the last nights of the scorecard's figures."""

    def __init__(
        self, warehouse: Warehouse, night: dt.date, lines: Sequence[ScorecardLine], lang: Language
    ) -> None:
        self._lang: Language = lang
        self._nights = _last_nights(warehouse)
        self._months = read_months(warehouse, night)
        self._by_month = _read_months(warehouse, self._months, night)
        starts = {line.period_start for line in lines}
        types = {line.period_type for line in lines}
        self._by_night = _read_nights(warehouse, self._nights, starts, types)

    def month_rows(self, line: ScorecardLine) -> list[Mapping[str, Any]]:
        """The figures of the last months that have any, the earliest first."""
        found = self._by_month.get((line.indicator_code, line.unit_code), {})
        return [found[month] for month in self._shown_months(found) if month in found]

    def _month_points(self, line: ScorecardLine) -> list[charts.Point]:
        found = self._by_month.get((line.indicator_code, line.unit_code), {})
        return [self._point(line, found.get(month), month) for month in self._shown_months(found)]

    def _shown_months(self, found: Mapping[dt.date, Mapping[str, Any]]) -> list[dt.date]:
        """The months of a figure that charts and tables show.

        Those before the plan's first one are left out: of these, the record has only what was still
        open later. So are few cases before the first full month, which would flatten all others.
        """
        full = [month for month, row in found.items() if _is_full(row)]
        first = min(full or found, default=None)
        return [month for month in self._months if first is not None and month >= first]

    def _point(
        self, line: ScorecardLine, row: Mapping[str, Any] | None, month: dt.date
    ) -> charts.Point:
        name = month_label(month, with_year=True)
        if row is None or row["value"] is None:
            return charts.Point(str(month.month), None)
        text = f"{name}: {figure_text(row, line.unit_of_measure, self._lang)}"
        is_small = bool(row["is_small"])
        return charts.Point(str(month.month), point_value(row), text, is_small=is_small)

    def months(self, line: ScorecardLine) -> Any:  # noqa: ANN401 - markup, for a template
        """The sparkline of the last twelve months."""
        points = self._month_points(line)
        label = {"vi": "12 tháng gần nhất", "en": "last 12 months"}[self._lang]
        return charts.sparkline(points, _target(line), self._words(label, points))

    def _night_points(self, line: ScorecardLine) -> list[charts.Point]:
        figures = self._by_night.get((line.indicator_code, line.unit_code), [])
        points = []
        for night in self._nights:
            row = next((row for row in figures if _holds(row, night)), None)
            if row is None or row["value"] is None:
                points.append(charts.Point(f"{night.day}/{night.month}", None))
                continue
            text = f"{day(night, self._lang)}: {figure_text(row, line.unit_of_measure, self._lang)}"
            points.append(charts.Point(f"{night.day}/{night.month}", point_value(row), text))
        return points

    def nights(self, line: ScorecardLine) -> Any:  # noqa: ANN401 - idem
        """The sparkline of the last nights; empty with a single one."""
        points = self._night_points(line)
        if sum(point.value is not None for point in points) < 2:  # noqa: PLR2004 - one is no line
            return ""
        label = {"vi": "các đêm gần nhất", "en": "last nights"}[self._lang]
        return charts.sparkline(points, _target(line), self._words(label, points))

    def large(self, line: ScorecardLine) -> dict[str, Any]:
        """Both trends of an indicator with axes."""
        labels = {
            "vi": ("Theo tháng tiếp nhận", "Lũy kế năm, theo đêm công bố"),
            "en": ("By month of receipt", "Year to date, by published night"),
        }[self._lang]
        months, nights = self._month_points(line), self._night_points(line)
        return {
            "months": self._large(line, months, labels[0]),
            "months_title": labels[0],
            "nights": self._large(line, nights, labels[1])
            if sum(point.value is not None for point in nights) > 1
            else "",
            "nights_title": labels[1],
        }

    def _large(self, line: ScorecardLine, points: Sequence[charts.Point], label: str) -> Any:  # noqa: ANN401 - idem
        values = [point.value for point in points if point.value is not None]
        if not values:
            return ""
        texts = (
            self._value_text(min(values), line),
            self._value_text(max(values), line),
            target_text(line.target, line.comparison, line.unit_of_measure, self._lang),
        )
        return charts.trend(points, _target(line), self._words(label, points), texts)

    def _value_text(self, value: float, line: ScorecardLine) -> str:
        number = Decimal(str(value))
        if line.unit_of_measure == "percent":
            return percent(number, self._lang, 1, line.target)
        return with_unit(number, line.unit_of_measure, self._lang, line.target)

    def _words(self, label: str, points: Sequence[charts.Point]) -> str:
        """What a trend shows, in words: its first and last value."""
        texts = [point.text for point in points if point.text]
        if not texts:
            return label
        return f"{label}: {texts[0]} → {texts[-1]}" if len(texts) > 1 else f"{label}: {texts[0]}"


def _is_full(row: Mapping[str, Any]) -> bool:
    return row["value"] is not None and not row["is_small"]


def _target(line: ScorecardLine) -> float | None:
    return None if line.target is None else float(line.target)


def _holds(row: Mapping[str, Any], night: dt.date) -> bool:
    return bool(row["valid_from"] <= night and (row["valid_to"] is None or row["valid_to"] > night))


def _last_nights(warehouse: Warehouse) -> list[dt.date]:
    rows = warehouse.rows(
        f"select distinct as_of_date from audit.publication order by as_of_date desc limit {NIGHTS}"
    )
    return sorted(row["as_of_date"] for row in rows)


def _read_months(
    warehouse: Warehouse, months: Sequence[dt.date], night: dt.date
) -> dict[Key, dict[dt.date, dict[str, Any]]]:
    """The monthly figures of levels and the city by the scorecard's method."""
    rows = warehouse.rows(
        "select figure.indicator_code, figure.method_code, figure.unit_code, figure.period_start,"
        " figure.period_end, figure.numerator, figure.denominator, figure.value, figure.target,"
        " figure.status, figure.is_small"
        " from mart.indicator_value as figure inner join ref.indicator as indicator"
        " on figure.indicator_code = indicator.indicator_code"
        " and figure.method_code = indicator.scorecard_method"
        " where figure.period_type = 'month' and figure.period_basis = 'calendar'"
        " and figure.unit_scope in ('city', 'level') and figure.period_start between :first"
        " and :night",
        {"first": months[0], "night": night},
    )
    found: dict[Key, dict[dt.date, dict[str, Any]]] = defaultdict(dict)
    for row in rows:
        found[row["indicator_code"], row["unit_code"]][row["period_start"]] = row
    return found


def _read_nights(
    warehouse: Warehouse, nights: Sequence[dt.date], starts: set[dt.date], types: set[str]
) -> dict[Key, list[dict[str, Any]]]:
    """The figures of the scorecard's period on the last nights, with their validity."""
    if not starts:
        return {}
    rows = warehouse.rows(
        "select figure.indicator_code, figure.unit_code, figure.period_type, figure.period_start,"
        " figure.valid_from, figure.valid_to, figure.numerator, figure.denominator, figure.value,"
        " figure.target"
        " from mart.indicator_history as figure inner join ref.indicator as indicator"
        " on figure.indicator_code = indicator.indicator_code"
        " and figure.method_code = indicator.scorecard_method"
        " where figure.period_basis = 'calendar' and figure.unit_scope in ('city', 'level')"
        " and figure.period_start = :start and figure.period_type in ('year', 'year_to_date')"
        " and (figure.valid_to is null or figure.valid_to > :first)"
        " order by figure.valid_from",
        {"start": min(starts), "first": nights[0]},
    )
    found: dict[Key, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["period_type"] in types:
            found[row["indicator_code"], row["unit_code"]].append(row)
    return found


def read_night_changes(
    warehouse: Warehouse, night: dt.date, lang: Language, unit: str = _CITY
) -> list[dict[str, Any]]:
    """Why figures of the scorecard moved since the night before, by cause.

    The period is the scorecard's: the year so far, or the plan's year once that is over.

    Args:
        warehouse: the published marts, open.
        night: the night.
        lang: of the texts.
        unit: the unit, level or city.

    Returns:
        The indicators whose counts are others, in the plan's order, each with its counts before
        and after and its causes.
    """
    if "change_cause" not in warehouse.tables("ref"):
        return []
    rows = warehouse.rows(
        "select change.indicator_code, change.method_code, change.previous_night,"
        f" indicator.title_{lang} as title, indicator.unit_of_measure, indicator.position,"
        f" change.cause_code, cause.label_{lang} as cause, cause.position as cause_position,"
        f" cause.definition_{lang} as definition, change.item_count, change.numerator_change,"
        " change.denominator_change, change.numerator_before, change.denominator_before,"
        " change.numerator_after, change.denominator_after"
        " from mart.night_change as change"
        " inner join ref.indicator as indicator"
        " on change.indicator_code = indicator.indicator_code"
        " and change.method_code = indicator.scorecard_method"
        " left join ref.change_cause as cause on change.cause_code = cause.cause_code"
        " where change.as_of_date = :night and change.unit_code = :unit"
        " and change.period_basis = 'calendar' and change.period_type ="
        " case when indicator.valid_to <= :night then 'year' else 'year_to_date' end"
        " and extract(year from change.period_start) ="
        " extract(year from least(indicator.valid_to - 1, :night))"
        " order by indicator.position, cause.position",
        {"night": night, "unit": unit},
    )
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        change = found.setdefault(
            row["indicator_code"],
            {
                "code": row["indicator_code"],
                "title": row["title"],
                "unit_of_measure": row["unit_of_measure"],
                "previous_night": row["previous_night"],
                "before": _side_text(row, "before", lang),
                "after": _side_text(row, "after", lang),
                "numerator_change": row["numerator_after"] - row["numerator_before"],
                "denominator_change": row["denominator_after"] - row["denominator_before"],
                "causes": [],
            },
        )
        change["causes"].append(row)
    # causes may cancel each other out
    moved = ("numerator_change", "denominator_change")
    return [change for change in found.values() if any(change[name] for name in moved)]


def _side_text(row: Mapping[str, Any], side: str, lang: Language) -> str:
    numerator, denominator = row[f"numerator_{side}"], row[f"denominator_{side}"]
    figure = {"numerator": numerator, "denominator": denominator, "value": None}
    return figure_text(figure, row["unit_of_measure"], lang)


def _read_turned(warehouse: Warehouse, night: dt.date, lang: Language) -> list[dict[str, Any]]:
    """Verdicts of levels and the city that are others than on the night before."""
    earlier = [each for each in published_nights(warehouse) if each < night]
    if not earlier:
        return []
    return [
        {
            "title": row[f"title_{lang}"],
            "unit": row[f"label_{lang}"],
            **{f"status_{side}": row[f"status_{side}"] for side in _SIDES},
            **{f"text_{side}": status_text(row[f"status_{side}"], lang) for side in _SIDES},
        }
        for row in read_turned(warehouse, earlier[-1], night)
        if row["status_before"] != row["status_after"]
    ]


def read_reports(
    warehouse: Warehouse, settings: Settings, night: dt.date, lang: Language
) -> list[dict[str, Any]]:
    """The plan's periodic reports: issued, due and late, as of the morning after the night."""
    issued: dict[str, list[Any]] = defaultdict(list)
    for report in read_issued_reports(settings):
        issued[report.report_code].append(report)
    morning = night + dt.timedelta(days=1)
    found = []
    for row in warehouse.rows(
        f"select report_code, title_{lang} as title, period_start, period_end, last_day_date,"
        " last_workday_date from ref.report_calendar order by last_day_date, report_code"
    ):
        of_report = issued.pop(row["report_code"], [])
        found.append(
            {
                **row,
                "issues": of_report,
                "state": _report_state(row, of_report, morning),
                "days_left": (row["last_day_date"] - morning).days,
            }
        )
    for of_report in issued.values():  # of an earlier plan
        latest = of_report[0]
        found.append(
            {
                "report_code": latest.report_code,
                "title": latest.title_vi if lang == "vi" else latest.title_en,
                "period_start": latest.period_start,
                "period_end": latest.period_end,
                "last_day_date": latest.last_day_date,
                "last_workday_date": latest.last_day_date,
                "issues": of_report,
                "state": _report_state({}, of_report, morning),
                "days_left": 0,
            }
        )
    return found


def _report_state(row: Mapping[str, Any], issued: Sequence[Any], morning: dt.date) -> str:
    if issued:
        return "issued_late" if issued[-1].is_late else "issued"
    if row["last_day_date"] < morning:
        return "late"
    return "open" if row["period_end"] >= morning else "due"
