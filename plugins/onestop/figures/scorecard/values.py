"""The figures of the scorecard of a published night."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from onestop.figures.code_texts import CodeTexts
from onestop.marts.earlier_nights import NightMarts
from onestop.marts.published import (
    find_night,
    open_published,
    published_nights,
    refuse_earlier_release,
)
from onestop.schema.number_text import day, percent, whole

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from onestop.schema.number_text import Language
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

ON_TIME = "on_time_rate"
#: The verdicts in the order in which their numbers are shown.
_VERDICTS = ("met", "not_met", "no_data", "no_target")
_VERDICT_TEXTS = CodeTexts("figure_status", "status", ())
#: What :func:`count_verdicts` counts, for people.
COUNTED_VERDICTS: dict[Language, str] = {
    "vi": "Số chỉ tiêu theo đánh giá của toàn thành phố, hoặc của cấp đầu tiên có số liệu",
    "en": "Indicators by the verdict of the whole city, or of the first level with data",
}
_WAITING = "counter_waiting_time"


_WORDS: dict[str, dict[Language, str]] = {
    "known_issues": {
        "vi": "Lỗi dữ liệu đã biết: {footnotes}",
        "en": "Known issue: {footnotes}",
    },
    "shortfall": {
        "vi": "Thiếu {count} trong số đã tính",
        "en": "{count} short among those counted",
    },
    "interval": {
        "vi": "Ít trường hợp: khoảng tin cậy 95 % từ {lower} đến {upper}",
        "en": "Few cases: the 95% interval is {lower} to {upper}",
    },
    "few_visits": {"vi": "Ít lượt", "en": "Few visits"},
    "document": {"vi": "Theo văn bản {number}", "en": "By document {number}"},
    "document_of": {
        "vi": "Theo văn bản {number} ngày {date}",
        "en": "By document {number} of {date}",
    },
    "coverage": {
        "vi": "Số liệu của {coverage} đơn vị có Bộ phận Một cửa",
        "en": "Figures from {coverage} of the units with a One-Stop desk",
    },
    "ticket_days": {
        "vi": "{days} ngày có phiếu trên {workdays} ngày làm việc",
        "en": "days with tickets: {days}, of {workdays} working days",
    },
    "coverage_of_units": {"vi": "{coverage} đơn vị", "en": "{coverage} of units"},
    "coverage_of_some": {"vi": "{coverage} hồ sơ", "en": "{coverage} of dossiers"},
    "unverified": {
        "vi": "chưa được đối chiếu với văn bản gốc",
        "en": "not yet compared with the original text",
    },
    "coverage_of_dossiers": {
        "vi": "Số liệu của {coverage} số hồ sơ; nguồn của các hồ sơ khác không ghi",
        "en": "Figures from {coverage} of the dossiers; the sources of the others state no value",
    },
}


@dataclass(frozen=True)
class ScorecardLine:
    """One line of ``mart.scorecard``; the columns are described there.

    A line of the average wait also has the number of days behind it.
    """

    plan_code: str
    line_number: int
    clause_code: str
    indicator_code: str
    title_vi: str
    title_en: str
    unit_scope: str
    unit_code: str
    unit_level: str
    unit_label_vi: str
    unit_label_en: str
    method_code: str | None
    period_type: str
    period_start: dt.date
    period_end: dt.date
    as_of_date: dt.date
    numerator: int | None
    denominator: int | None
    value: Decimal | None
    unit_of_measure: str
    target: Decimal | None
    comparison: str | None
    status: str
    source_kind: str
    document_number: str | None
    document_date: dt.date | None
    form_06_numerator: int | None
    form_06_denominator: int | None
    form_06_value: Decimal | None
    no_data_reason_vi: str | None
    no_data_reason_en: str | None
    verified: bool
    target_source_clause: str | None
    target_note_vi: str | None
    target_note_en: str | None
    coverage: Decimal | None
    owner_vi: str
    firmness: str | None = None
    turned_by: str | None = None
    firmness_vi: str | None = None
    firmness_en: str | None = None
    rate_lower: Decimal | None = None
    rate_upper: Decimal | None = None
    is_small: bool | None = None
    known_issues: str | None = None
    known_issues_vi: str | None = None
    known_issues_en: str | None = None
    shortfall: int | None = None
    days_with_tickets: int | None = None
    workdays_in_period: int | None = None

    def text(self, name: str, lang: Language) -> str:
        """The Vietnamese or English side of a bilingual column; empty when it has none."""
        return getattr(self, f"{name}_{lang}") or ""

    def coverage_text(self, lang: Language) -> str:
        """The coverage of the figure as text; empty when it is complete."""
        if self.status == "no_data":
            return ""
        name = "coverage" if self.unit_of_measure == "seconds" else "coverage_of_dossiers"
        texts = []
        if self.coverage is not None:
            share = percent(Decimal(str(self.coverage)), lang)
            texts.append(_WORDS[name][lang].format(coverage=share))
        if self.days_with_tickets is not None:
            days = _WORDS["ticket_days"][lang].format(
                days=self.days_with_tickets, workdays=self.workdays_in_period
            )
            texts.append(days)
        return "; ".join(texts)

    def short_coverage_text(self, lang: Language) -> str:
        """The coverage of the figure for a narrow cell; empty when it is complete."""
        if self.coverage is None or self.status == "no_data":
            return ""
        name = "coverage_of_units" if self.unit_of_measure == "seconds" else "coverage_of_some"
        return _WORDS[name][lang].format(coverage=percent(Decimal(str(self.coverage)), lang))

    def firmness_text(self, lang: Language) -> str:
        """If the verdict is that of every reading, and which turn it; empty without a verdict."""
        return self.text("firmness", lang)

    def short_firmness_text(self, lang: Language) -> str:
        """The same without the readings that turn the verdict."""
        return self.firmness_text(lang).partition(": ")[0]

    def unverified_text(self, lang: Language) -> str:
        """Why the target bears a ``*``; empty for one that was compared with the original text."""
        if self.verified:
            return ""
        return self.text("target_note", lang) or _WORDS["unverified"][lang]

    def shortfall_text(self, lang: Language) -> str:
        """How many short of the target; empty where it is met or no rate."""
        return shortfall_text(self.shortfall, lang)

    def interval_text(self, lang: Language) -> str:
        """That a figure rests on few cases, a rate with its interval; empty for any other."""
        if not self.is_small:
            return ""
        if self.rate_lower is None or self.rate_upper is None:
            return _WORDS["few_visits"][lang]
        lower, upper = (
            percent(Decimal(str(rate)), lang) for rate in (self.rate_lower, self.rate_upper)
        )
        return _WORDS["interval"][lang].format(lower=lower, upper=upper)

    def known_issues_text(self, lang: Language) -> str:
        """The footnotes on known faults of the data; empty where there are none."""
        footnotes = self.text("known_issues", lang)
        return _WORDS["known_issues"][lang].format(footnotes=footnotes) if footnotes else ""

    def notes(self, lang: Language) -> list[str]:
        """The notes of a table: how many are short of the target, then the remarks."""
        return [text for text in (self.shortfall_text(lang), *self.remarks(lang)) if text]

    def remarks(self, lang: Language) -> list[str]:
        """The figure's interval, document, coverage and known issues, where it has them."""
        texts = (
            self.interval_text(lang),
            self.document_text(lang),
            self.coverage_text(lang),
            self.known_issues_text(lang),
        )
        return [text for text in texts if text]

    def page_notes(self, lang: Language) -> list[str]:
        """The notes of a page: the figure's firmness, the remarks, why its target bears a ``*``.

        A page shows how many are short of the target next to the verdict.
        """
        mark = self.unverified_text(lang) if self.target is not None else ""
        texts = (self.firmness_text(lang), *self.remarks(lang), f"* {mark}" if mark else "")
        return [text for text in texts if text]

    def document_text(self, lang: Language) -> str:
        """The document of a declared figure, with its date; empty for any other figure."""
        if not self.document_number:
            return ""
        if self.document_date is None:
            return _WORDS["document"][lang].format(number=self.document_number)
        date = day(self.document_date, lang)
        return _WORDS["document_of"][lang].format(number=self.document_number, date=date)


@dataclass(frozen=True)
class MethodFigure:
    """The on-time rate of one level by one method."""

    method_code: str
    unit_code: str
    numerator: int | None
    denominator: int | None


def shortfall_text(count: int | None, lang: Language) -> str:
    """How many more of the cases that are counted would have had to succeed; empty for none.

    It is no number of cases to come: each of those adds to the denominator of a growing rate, so
    that more are needed (``needed_count`` of ``mart.outlook``).
    """
    return _WORDS["shortfall"][lang].format(count=whole(count, lang)) if count else ""


def status_text(status: str, lang: Language) -> str:
    """A verdict for people, as in ``ref.figure_status`` of this release."""
    return _VERDICT_TEXTS.text(status, f"label_{lang}")


def by_indicator(lines: Iterable[ScorecardLine]) -> list[list[ScorecardLine]]:
    """The lines of each indicator, in the plan's order; one under two clauses stands once."""
    found: dict[str, list[ScorecardLine]] = {}
    for line in lines:
        found.setdefault(line.indicator_code, []).append(line)
    return list(found.values())


def in_reading_order(lines: Iterable[ScorecardLine]) -> list[list[ScorecardLine]]:
    """The lines of each indicator: what readers look for first, and last what has no data.

    The on-time rate, the other computed indicators, the declared ones, those without data; each
    group in the plan's order.
    """

    def rank(of_indicator: Sequence[ScorecardLine]) -> tuple[bool, bool, bool]:
        main = main_line(of_indicator)
        return (
            main.status == "no_data",
            main.indicator_code != ON_TIME,
            main.source_kind != "computed",
        )

    return sorted(by_indicator(lines), key=rank)


def main_line(of_indicator: Sequence[ScorecardLine]) -> ScorecardLine:
    """The line that speaks for an indicator: the city's, or that of the first level with data."""
    with_data = (line for line in of_indicator if line.status != "no_data")
    return next(with_data, of_indicator[0])


def count_verdicts(lines: Iterable[ScorecardLine]) -> dict[str, int]:
    """How many indicators have each verdict, by their :func:`main_line`; all verdicts are named."""
    counts = Counter(main_line(of_indicator).status for of_indicator in by_indicator(lines))
    return {status: counts[status] for status in _VERDICTS}


def read_scorecard(settings: Settings, as_of: dt.date | None = None) -> list[ScorecardLine]:
    """The lines of the scorecard of a published night.

    Args:
        settings: of this installation.
        as_of: a published night; defaults to the last one.

    Raises:
        NothingPublishedError: that night is not published.
    """
    with open_published(settings) as warehouse:
        return read_lines(warehouse, find_night(warehouse, as_of))


def read_lines(warehouse: Warehouse, night: dt.date) -> list[ScorecardLine]:
    """The lines of the scorecard of a published night.

    Raises:
        QuestionError: it is an earlier night, and an earlier release published last.
    """
    if night != published_nights(warehouse)[-1]:
        refuse_earlier_release(warehouse)
    given = {"mart.indicator_value": _figures_of(warehouse, night)}
    marts = NightMarts(warehouse, night, given=given, mark="lines")
    rows = warehouse.rows(
        f"select * from {marts.relation('mart.scorecard')} as line order by line_number"
    )
    marts.drop()
    names = [field.name for field in fields(ScorecardLine)]
    waits = [row for row in rows if row["indicator_code"] == _WAITING]
    days = _ticket_days(warehouse, night, waits[0]) if waits else {}
    return [
        ScorecardLine(
            **{name: row[name] for name in names if name in row},
            **(days.get(row["unit_code"], {}) if row["indicator_code"] == _WAITING else {}),
        )
        for row in rows
    ]


def _ticket_days(
    warehouse: Warehouse, night: dt.date, line: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """Days with tickets in a line's period, by level and for the city, and its working days.

    Counted from the record as known that night, so that a report on an earlier night is always
    the same.
    """
    marts = NightMarts(warehouse, night, mark="days")
    first, last = line["period_start"], line["period_end"]
    rows = warehouse.rows(
        "select case when grouping(coalesce(unit.unit_level, 'unregistered')) = 1 then 'CITY'"
        " else upper(coalesce(unit.unit_level, 'unregistered')) end as unit_code,"
        " count(distinct ticket.issued_date) as days,"
        f" (select count(*) from {marts.relation('core.calendar')} where is_workday"
        f"  and calendar_date between date '{first}' and date '{last}') as workdays"
        f" from {marts.relation('core.visit_history')} as ticket"
        f" left join {marts.relation('core.unit_history')} as unit"
        "  on ticket.unit_code = unit.unit_code"
        f"  and unit.valid_from <= date '{night}'"
        f"  and (unit.valid_to is null or unit.valid_to > date '{night}')"
        f" where ticket.valid_from <= date '{night}'"
        f" and (ticket.valid_to is null or ticket.valid_to > date '{night}')"
        f" and ticket.issued_date between date '{first}' and date '{last}'"
        " group by grouping sets ((coalesce(unit.unit_level, 'unregistered')), ())"
        " order by unit_code"
    )
    marts.drop()
    return {
        row["unit_code"]: {"days_with_tickets": row["days"], "workdays_in_period": row["workdays"]}
        for row in rows
    }


def _figures_of(warehouse: Warehouse, night: dt.date) -> str:
    """A relation with the indicator values as they were published for that night."""
    if night == published_nights(warehouse)[-1]:
        return "mart.indicator_value"
    return (
        f"(select * from mart.indicator_history where valid_from <= date '{night.isoformat()}'"
        f" and (valid_to is null or valid_to > date '{night.isoformat()}'))"
    )


def read_methods(
    warehouse: Warehouse, night: dt.date, lines: Iterable[ScorecardLine]
) -> list[MethodFigure]:
    """The on-time rate by every method, for levels and the city.

    The period is the one in which the scorecard's lines show it: the year to date, or the plan's
    year once that is over.
    """
    line = next((line for line in lines if line.indicator_code == ON_TIME), None)
    if line is None:
        return []
    rows = warehouse.rows(
        "select method_code, unit_code, numerator, denominator"
        f" from {_figures_of(warehouse, night)} as figure"
        f" where indicator_code = '{ON_TIME}' and unit_scope in ('city', 'level')"
        " and period_type = :type and period_basis = 'calendar'"
        " and period_start = :first order by method_code, unit_code",
        {"type": line.period_type, "first": line.period_start},
    )
    return [MethodFigure(**row) for row in rows]
