"""The question behind an explanation: the figure that is asked about, refused if there is none."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from onestop.figures.explain.checks import FOUND, check_codes, read_check
from onestop.figures.explain.items import Question, known_methods
from onestop.figures.unit_names import level_said
from onestop.marts.earlier_nights import NightMarts
from onestop.marts.files import mart_files
from onestop.marts.published import (
    QuestionError,
    UnknownNameError,
    find_night,
    refuse_earlier_release,
)
from onestop.said import said, said_both
from onestop.schema.did_you_mean import CODES
from onestop.schema.number_text import day
from onestop.warehouse.base import quoted_text
from onestop.warehouse.sql_text import tables_read

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from onestop.marts.earlier_nights import FoundUnit
    from onestop.schema.number_text import Language
    from onestop.warehouse import Warehouse

#: Figures declared with a document: a method of every indicator.
DECLARED, DECLARATIONS = "declared", "indicator/declared.item"
_PERIOD, _TICKETS = "mart.period", "core.visit_history"
_COUNTED, _TALLY, _CHECKS = "mart.counted_dossier", "mart.unit_tally", "mart.decree_check"

_AFTER_THE_NIGHT: dict[Language, str] = {
    "vi": "Khoảng ngày này bắt đầu sau đêm đã công bố ({night}), nên chưa có gì để đếm.",
    "en": "The span begins after the published night ({night}), so there is nothing to count yet.",
}


class OtherScopeError(QuestionError):
    """An indicator has no figures for such a unit or level.

    Args:
        what: as of any question.
        remedy: likewise.
        scopes: the levels, or the city, that it has figures for, by their codes.
    """

    def __init__(self, what: str, *, remedy: str, scopes: tuple[str, ...]) -> None:
        super().__init__(what, remedy=remedy)
        self.scopes = scopes


@dataclass(frozen=True)
class Asked:
    """A question that has an answer.

    Attributes:
        question: the figure.
        described: the row of ``ref.indicator``, or the code and method of a check.
        is_check: whether it is a check of ``ref.decree_check``.
        step: the step of ``sql/mart`` that has the items; empty for a check.
    """

    question: Question
    described: Mapping[str, Any]
    is_check: bool
    step: str

    def no_data_reason(self, lang: Language) -> str:
        """Why there is nothing to count, where there is nothing; empty where it is not known."""
        question = self.question
        if question.first > question.night:
            return _AFTER_THE_NIGHT[lang].format(night=day(question.night, lang))
        return self.described.get(f"no_data_reason_{lang}") or ""


def ask(  # noqa: PLR0913 - the coordinates of a figure
    warehouse: Warehouse,
    indicator: str,
    unit: str,
    first: dt.date,
    last: dt.date,
    method: str | None = None,
    as_of: dt.date | None = None,
    *,
    is_narrow: bool = False,
) -> Asked:
    """The question about a figure.

    Args:
        warehouse: from :func:`onestop.marts.published.open_published`.
        indicator: indicator code, or a check.
        unit: a unit's code, a level or ``CITY``.
        first: first day of the span.
        last: last day of the span.
        method: method code, or a reading; defaults to the scorecard's.
        as_of: a published night; defaults to the last one.
        is_narrow: whether to read published marts in the place of computing them for the span, and
            only the unit's own dossiers, where that gives the same items.

    Raises:
        QuestionError: no such indicator, method or unit, no such figure for that unit, or the span
            is reversed.
        NothingPublishedError: that night is not published.
    """
    if last < first:
        raise QuestionError(
            said("the span ends ({last}) before it begins ({first})", last=last, first=first),
            remedy="exchange --from and --to",
        )
    night = find_night(warehouse, as_of)
    refuse_earlier_release(warehouse)
    marts = NightMarts(warehouse, night, (first, last))
    described = _describe(marts, warehouse, indicator)
    is_check = described["scorecard_method"] == FOUND
    found_unit = marts.find_unit(unit)
    method = method or described["scorecard_method"] or DECLARED
    step = "" if is_check else DECLARATIONS if method == DECLARED else described["item_step"]
    if is_narrow and as_of is None:
        given = _published_inputs(warehouse, night, (first, last), found_unit, is_check=is_check)
        if found_unit.scope == "unit" and marts.rests_on_published:
            given[_TICKETS] = _tickets_of(found_unit)
        marts.drop()
        marts = NightMarts(warehouse, night, (first, last), given=given, mark="narrow")
    question = Question(warehouse, marts, indicator, method, found_unit, first, last, night)
    _refuse_other_method(question, described)
    if not is_check:
        _refuse_other_scope(warehouse, described, method, found_unit)
    return Asked(question, described, is_check, step)


def _published_inputs(
    warehouse: Warehouse,
    night: dt.date,
    span: tuple[dt.date, dt.date],
    unit: FoundUnit,
    *,
    is_check: bool,
) -> dict[str, str]:
    """What the items of a figure of the last published night can be read from, by table.

    Findings of a check have a day of their own, whatever the span. If the span is a published
    period, its tallies are published too.
    """
    if is_check:
        return {_CHECKS: _CHECKS}
    published = warehouse.relations("mart")
    given = {name: name for name in _apart_from_periods() if name.partition(".")[2] in published}
    if unit.scope == "unit":
        given[_COUNTED] = f"(select * from {_COUNTED} where {unit.condition('counted_dossier')})"
    periods = warehouse.rows(
        f"select period_type, period_basis from mart.period where {_OF_SPAN}"
        f" and as_of_date = :night order by {_EXACT_FIRST}, period_basis, period_type",
        _span_values(*span, night),
    )
    if periods:
        period = periods[0]
        given[_PERIOD] = (
            f"(select * from mart.period where period_type = {quoted_text(period['period_type'])}"
            f" and period_basis = {quoted_text(period['period_basis'])}"
            f" and period_start = date '{span[0]}')"
        )
        given[_TALLY] = _TALLY
    return given


def _tickets_of(unit: FoundUnit) -> str:
    """The tickets of a unit, and all that were transferred, which may continue a visit there."""
    codes = ", ".join(map(quoted_text, (unit.unit_code, unit.unit_code.strip("()"))))
    return (
        f"(select * from {_TICKETS} where unit_code in ({codes}) or transferred_from is not null"
        f" or ticket_code in (select transferred_from from {_TICKETS}"
        " where transferred_from is not null))"
    )


@cache
def _apart_from_periods() -> tuple[str, ...]:
    """The marts that hold the same whatever the periods are; some of them count all dossiers."""
    reads = {f"mart.{file.name}": tables_read(file.text) for file in mart_files()}

    def is_apart(name: str) -> bool:
        return name != _PERIOD and all(is_apart(each) for each in reads.get(name, ()))

    return tuple(name for name in reads if is_apart(name))


def _describe(marts: NightMarts, warehouse: Warehouse, indicator: str) -> dict[str, Any]:
    rows = warehouse.rows(
        "select indicator_code, title_vi, title_en, scorecard_method, item_step, scope,"
        " no_data_reason_vi, no_data_reason_en"
        f" from {marts.relation('ref.indicator')} order by position"
    )
    for row in rows:
        if row["indicator_code"] == indicator:
            return row
    if read_check(warehouse, indicator):
        return {"indicator_code": indicator, "scorecard_method": FOUND}
    known = [*(row["indicator_code"] for row in rows), *check_codes(warehouse)]
    raise UnknownNameError(
        said("no indicator {indicator}", indicator=indicator), indicator, known, see=CODES
    )


def _refuse_other_method(question: Question, described: dict[str, Any]) -> None:
    """Refuse a method that the indicator has no figures by.

    Raises:
        QuestionError: names those that it has figures by.
    """
    usual = described["scorecard_method"] or DECLARED
    published = question.warehouse.rows(
        "with published as (select distinct method_code from mart.indicator_history"
        " where indicator_code = :code)"
        " select method_code from published union select reading.reading_code"
        " from ref.reading as reading inner join published"
        " on reading.method_code = published.method_code",
        {"code": question.indicator},
    )
    known = {usual, *(row["method_code"] for row in published)}
    known |= {DECLARED} if usual != FOUND else set()
    if question.method in known:
        return
    with_items = () if usual == FOUND else known_methods(question, described["item_step"])
    if question.method not in with_items:
        raise UnknownNameError(
            said("no method {method}", method=question.method),
            question.method,
            [usual, *with_items],
            see=CODES,
        )


def _refuse_other_scope(
    warehouse: Warehouse, described: dict[str, Any], method: str, unit: FoundUnit
) -> None:
    """Refuse a unit or level that the indicator has no figures for.

    Raises:
        QuestionError: names those that it has figures for.
    """
    if method == DECLARED:
        return
    level = described["scope"]
    title = said_both(vi=described["title_vi"], en=described["title_en"])
    if level in _LEVELS and (unit.scope, unit.level) != ("level", level):
        raise OtherScopeError(
            said(
                "{indicator} has figures of one level: {level}",
                indicator=title,
                level=level_said(level),
            ),
            remedy=said("ask for {level}", level=level.upper()),
            scopes=(level.upper(),),
        )
    if unit.scope == "unit" and warehouse.value(
        "select count(*) > 0 and count(case when unit_scope = 'unit' then 1 end) = 0"
        " from mart.indicator_history where indicator_code = :code",
        {"code": described["indicator_code"]},
    ):
        raise OtherScopeError(
            said(
                "{indicator} is a figure of a level of government, not of one unit",
                indicator=title,
            ),
            remedy="ask for CITY, DEPARTMENT, DISTRICT or COMMUNE",
            scopes=("CITY", "DEPARTMENT", "DISTRICT", "COMMUNE"),
        )


_LEVELS = ("department", "district", "commune")


@dataclass(frozen=True)
class Published:
    """A figure as published for a span.

    Attributes:
        amounts: numerator and denominator.
        runs_until: the last day of its period, if that still ran on the night: the figure is the
            one of the period so far. None if the period was over.
    """

    amounts: tuple[int | None, int | None]
    runs_until: dt.date | None = None


#: The periods that are measured on the last day of a span, or on the night where it ends later: a
#: period that still runs has the figure of its days so far. The year to date has no end in the
#: history; it ends on the night.
_OF_SPAN = (
    "period_start = :first and least(coalesce(period_end, cast(:night as date)),"
    " cast(:night as date)) = :until"
)
_EXACT_FIRST = (
    "case when coalesce(period_end, cast(:night as date)) = :last then 0 else 1 end, period_end"
)


def _span_values(first: dt.date, last: dt.date, night: dt.date) -> dict[str, dt.date]:
    return {"first": first, "last": last, "until": min(last, night), "night": night}


def read_published(question: Question, *, is_check: bool) -> Published | None:
    """The figure as published for this span, or for the period that began with it and still runs.

    Args:
        question: the figure.
        is_check: whether it is a check of the decrees.
    """
    if is_check:
        return _published_count(question)
    return _published_figure(question) or _published_reading(question)


def _published(question: Question, period_end: dt.date | None, *amounts: int | None) -> Published:
    runs_until = period_end if period_end is not None and period_end > question.night else None
    numerator, denominator = amounts
    return Published((numerator, denominator), runs_until)


def _published_count(question: Question) -> Published | None:
    """What the checks found in this span, if it is a period of the last published night.

    A unit without a finding has no row; its count is zero.
    """
    span = _span_values(question.first, question.last, question.night)
    periods = question.warehouse.rows(
        f"select period_end from mart.period where {_OF_SPAN} and as_of_date = :night"
        f" order by {_EXACT_FIRST} limit 1",
        span,
    )
    if not periods:
        return None
    period_end = periods[0]["period_end"]
    found = question.warehouse.value(
        "select max(found_strong) from mart.decree_check_count where check_code = :code"
        " and unit_code = :unit and period_start = :first and period_end = :period_end"
        " and as_of_date = :night",
        {
            "first": question.first,
            "night": question.night,
            "period_end": period_end,
            "code": question.indicator,
            "unit": question.unit.unit_code,
        },
    )
    return _published(question, period_end, int(found or 0), int(found or 0))


def _published_figure(question: Question) -> Published | None:
    """The figure of the span as published that night."""
    rows = question.warehouse.rows(
        "select numerator, denominator, period_end from mart.indicator_history"
        " where indicator_code = :indicator and method_code = :method and unit_code = :unit"
        f" and {_OF_SPAN}"
        " and valid_from <= :night and (valid_to is null or valid_to > :night)"
        f" order by {_EXACT_FIRST} limit 1",
        {
            "indicator": question.indicator,
            "method": question.method,
            "unit": question.unit.unit_code,
            **_span_values(question.first, question.last, question.night),
        },
    )
    return _of_row(question, rows)


def _published_reading(question: Question) -> Published | None:
    """The figure of a reading for the span, if the last published night gives one."""
    if not question.warehouse.value(
        "select count(*) from ref.reading as reading left join ref.method as method"
        " on reading.reading_code = method.method_code"
        " where reading.reading_code = :reading and method.method_code is null",
        {"reading": question.method},
    ):
        return None
    rows = question.warehouse.rows(
        "select numerator, denominator, period_end from mart.indicator_variant"
        " where indicator_code = :indicator and reading_code = :reading and unit_code = :unit"
        f" and {_OF_SPAN} and as_of_date = :night order by {_EXACT_FIRST} limit 1",
        {
            "indicator": question.indicator,
            "reading": question.method,
            "unit": question.unit.unit_code,
            **_span_values(question.first, question.last, question.night),
        },
    )
    return _of_row(question, rows)


def _of_row(question: Question, rows: Sequence[Mapping[str, Any]]) -> Published | None:
    if not rows:
        return None
    row = rows[0]
    return _published(question, row["period_end"], row["numerator"], row["denominator"])
