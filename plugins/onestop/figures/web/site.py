"""What all pages have in common: their templates, their frame, and how values become text."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from markupsafe import Markup, escape

from onestop.figures.night_times import seconds_text
from onestop.figures.scorecard.values import shortfall_text
from onestop.figures.web import charts
from onestop.figures.web.cards import name_cells
from onestop.marts.published import EarlierReleaseError, QuestionError
from onestop.said import Said, in_language, said, said_both, said_count, said_text
from onestop.schema.did_you_mean import did_you_mean
from onestop.schema.number_text import (
    ROUNDING,
    day,
    decimal_text,
    duration,
    measured,
    moment_text,
    percent,
    share_text,
    signed,
    whole,
    with_days,
)
from onestop.schema.source_texts import source_text
from onestop.schema.time_zone import LOCAL_ZONE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from jinja2.runtime import Context

    from onestop.errors import OneStopError
    from onestop.schema.number_text import Language
    from onestop.warehouse import Warehouse

#: How many rows a list shows on one page.
ROWS_PER_PAGE = 50

#: The pages of the menu: path, text, and whether only readers of the record see it.
_MENU = (
    ("./", {"vi": "Tổng quan", "en": "Overview"}, False),
    ("units", {"vi": "Đơn vị", "en": "Units"}, False),
    ("figure", {"vi": "Con số", "en": "Figure"}, False),
    ("nights", {"vi": "Các đêm", "en": "Nights"}, True),
    ("audit", {"vi": "Kiểm tra", "en": "Audit"}, True),
)


@dataclass(frozen=True)
class Visit:
    """One request of a reader.

    Attributes:
        lang: the language of the page.
        path: of the page, relative to the site: ``units``.
        query: its parameters, without those that are empty.
        reads_record: whether the reader may see deliveries, quarantine and audit.
        base: leads from the request's address to the site: ``../`` for each folder between.
    """

    lang: Language = "vi"
    path: str = "./"
    query: Mapping[str, str] = field(default_factory=dict)
    reads_record: bool = False
    base: str = ""

    def link(self, path: str, /, **query: object) -> str:
        """The address of a page in the same language, relative to the site.

        Args:
            path: of the page.
            query: its parameters; empty ones are left out.
        """
        chosen = {name.rstrip("_"): _query_text(value) for name, value in query.items()}
        chosen = {name: value for name, value in chosen.items() if value and name != "lang"}
        if self.lang == "en":
            chosen["lang"] = "en"
        return f"{self.base}{path}?{urlencode(chosen)}" if chosen else f"{self.base}{path}"

    def here(self, /, **query: object) -> str:
        """The address of this page with other parameters; None removes one."""
        return self.link(self.path, **{**self.query, **query})

    def method_of(self, indicator: str) -> str | None:
        """The method that was asked for; None if the form offered those of another indicator."""
        is_other = self.query.get("of", indicator) != indicator
        return None if is_other else self.query.get("method")

    @property
    def other_language(self) -> str:
        """The address of this page in the other language."""
        query = {name: value for name, value in self.query.items() if name != "lang"}
        if self.lang == "vi":
            query["lang"] = "en"
        path = f"{self.base}{self.path}"
        return f"{path}?{urlencode(query)}" if query else path


def _query_text(value: object) -> str:
    return "" if value is None else str(value)


@dataclass(frozen=True)
class PageNumber:
    """Which part of a long list is shown.

    Attributes:
        number: of the page, from 1.
        total: number of rows of the whole list.
        size: rows of a page.
    """

    number: int
    total: int
    size: int = ROWS_PER_PAGE

    @property
    def offset(self) -> int:
        """Number of rows before the page."""
        return (self.number - 1) * self.size

    @property
    def count(self) -> int:
        """Number of pages."""
        return max(1, -(-self.total // self.size))

    @property
    def first(self) -> int:
        """The page's first row, from 1; 0 for an empty list."""
        return min(self.offset + 1, self.total)

    @property
    def last(self) -> int:
        """The page's last row."""
        return min(self.offset + self.size, self.total)


def page_number(text: str | None, total: int, size: int = ROWS_PER_PAGE) -> PageNumber:
    """The page that was asked for; the first or the last one instead of one that does not exist."""
    number = int(text) if text and text.isascii() and text.isdigit() and len(text) < _DIGITS else 1
    last = max(1, -(-total // size))
    return PageNumber(min(max(number, 1), last), total, size)


_DIGITS = 10


class PageQuestionError(QuestionError):
    """A question that a page has no answer to; its remedy is for a reader of pages.

    The remedy of any other question is a terminal's; the page of the error offers links instead.

    Args:
        what: as of any other question.
        remedy: what to ask for.
        instead: parameters to ask again with, beside those that were given; None leaves one out.
    """

    def __init__(
        self, what: str, *, remedy: str = "", instead: Mapping[str, str | None] | None = None
    ) -> None:
        super().__init__(what, remedy=remedy)
        self.instead = instead


_AFTER_NEXT_NIGHT = said_text("this page has an answer again after the next published night")


def question_said(error: OneStopError) -> Said:
    """What is wrong with a question, in a reader's words: dates as on the pages, no command.

    Args:
        error: its remedy is replaced by what there is, unless it is a :class:`PageQuestionError`.
    """
    return said_both(vi=_question_text(error, "vi"), en=_question_text(error, "en"))


def _question_text(error: OneStopError, lang: Language) -> str:
    remedy: str = error.there_is if isinstance(error, QuestionError) else ""
    if isinstance(error, PageQuestionError):
        remedy = error.remedy
    if isinstance(error, EarlierReleaseError):
        remedy = _AFTER_NEXT_NIGHT
    parts = (error.what, remedy)
    text = "; ".join(str(in_language(_with_days(part, lang), lang)) for part in parts if part)
    return f"{in_language(error.subject, lang)}: {text}" if error.subject else text


def _with_days(value: object, lang: Language) -> object:
    """A sentence with its dates as the pages show them."""
    if type(value) is Said:
        days = {name: _with_days(each, lang) for name, each in value.values.items()}
        return said(value.template, **days)
    return day(value, lang) if isinstance(value, dt.date) else value


def one_of(
    query: Mapping[str, str],
    name: str,
    known: Collection[str],
    kind: Said,
    default: str = "",
    *,
    is_listed: bool = True,
) -> str:
    """The parameter that was asked for.

    Args:
        query: the parameters.
        name: of the parameter.
        known: its values.
        kind: what it is, for people.
        default: where it is not given.
        is_listed: whether the values are words that a reader may choose among.

    Raises:
        PageQuestionError: it is none of the known values.
    """
    asked = query.get(name)
    if asked is None:
        return default
    if asked not in known:
        raise PageQuestionError(
            said("there is no {kind} {asked}", kind=kind, asked=asked),
            remedy=did_you_mean(asked, known) if is_listed else "",
            instead={name: None},
        )
    return asked


def date_of(text: str | None, default: dt.date) -> dt.date:
    """The date that was asked for.

    Args:
        text: as ``2022-11-24``.
        default: where there is none.

    Raises:
        PageQuestionError: it is no date, or one of a year before 1900 or after 2100.
    """
    if not text:
        return default
    try:
        date = dt.date.fromisoformat(text)
    except ValueError:
        raise PageQuestionError(said("{text} is no date", text=text)) from None
    if not _FIRST_YEAR <= date.year <= _LAST_YEAR:
        raise PageQuestionError(
            said("the year of {text} is out of range", text=date),
            remedy=said("ask for years from {first} to {last}", first=_FIRST_YEAR, last=_LAST_YEAR),
        )
    return date


#: Dates of other years are slips.
_FIRST_YEAR, _LAST_YEAR = 1900, 2100


def render(template: str, visit: Visit, **values: object) -> str:
    """A page of the site.

    Args:
        template: its name in ``templates/web``.
        visit: the request.
        values: what the template shows.
    """
    menu = [
        (visit.link(path), texts[visit.lang], path == _section(visit.path))
        for path, texts, is_record in _MENU
        if visit.reads_record or not is_record
    ]
    page = (
        _site()
        .get_template(f"web/{template}")
        .render(
            visit=visit,
            lang=visit.lang,
            link=visit.link,
            menu=menu,
            style=f"{visit.base}style.css?v={style_mark()}",
            rounding=ROUNDING[visit.lang],
            **{"tables_read": (), **values},
        )
    )
    return name_cells(page)


#: The page of the menu that a page belongs to.
_SECTIONS = {
    "unit": "units",
    "open": "units",
    "night": "nights",
    "delivery": "nights",
    "quarantine": "nights",
    "rule": "nights",
    "difference": "audit",
    "publications": "audit",
    "restatements": "audit",
    "report": "./",
}


def _section(path: str) -> str:
    return _SECTIONS.get(path, path)


@cache
def style_sheet() -> str:
    """The style sheet of the site."""
    return (files("onestop") / "templates" / "web" / "style.css").read_text(encoding="utf-8")


@cache
def style_mark() -> str:
    """A mark that changes with the style sheet, so that browsers may keep it."""
    return hashlib.sha256(style_sheet().encode()).hexdigest()[:12]


@cache
def _site() -> Environment:
    site = Environment(
        loader=PackageLoader("onestop"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_unbroken,
    )
    site.globals.update(t=_translated, bar=charts.bar, stack=charts.stack)
    site.filters.update(
        breakable=_breakable,
        day=_day,
        with_days=_with_days_of_reader,
        moment=_moment,
        whole=_whole,
        counted=_counted,
        change=_change,
        shortfall=_shortfall,
        percent=_percent,
        rate=_rate,
        duration=_duration,
        clock=_clock,
        seconds=_seconds,
        decimal=_decimal,
        side=_side,
        source=_source,
        share=_share,
    )
    return site


def _unbroken(value: object) -> object:
    """A value as a page shows it: a number and its unit stay on one line."""
    return _NUMBER_AND_UNIT.sub("\N{NO-BREAK SPACE}", value) if type(value) is str else value


#: The space between a number and its unit.
_NUMBER_AND_UNIT = re.compile(r"(?<=\d) (?=(?:%|phút|giây|min|s)(?![\w.]))")


def _breakable(name: str) -> Markup:
    """A name of a file or a code, which may be broken between its parts, not within one."""
    return Markup("<wbr>").join(map(escape, _AFTER_PART.split(name)))


#: Where a part of a name has ended.
_AFTER_PART = re.compile(r"(?<=[-_./])(?=[^-_./])")


@pass_context
def _translated(context: Context, vi: str, en: str) -> str:
    """The text in the page's language."""
    return vi if context["lang"] == "vi" else en


@pass_context
def _side(context: Context, row: Mapping[str, Any], name: str) -> str:
    """The Vietnamese or English side of a bilingual column; empty when it has none."""
    return row.get(f"{name}_{context['lang']}") or ""


@pass_context
def _source(context: Context, source: str | None) -> str:
    return source_text(source, context["lang"])


@pass_context
def _day(context: Context, value: dt.date | None) -> str:
    return day(value, context["lang"]) if value is not None else "–"


@pass_context
def _with_days_of_reader(context: Context, sentence: str | None) -> str:
    return with_days(sentence or "", context["lang"])


@pass_context
def _moment(context: Context, value: dt.datetime | None) -> str:
    return moment_text(value, context["lang"]) if value is not None else "–"


def _clock(value: dt.datetime | None) -> str:
    return f"{value.astimezone(LOCAL_ZONE):%H:%M:%S}" if value is not None else "–"


@pass_context
def _seconds(context: Context, value: float | None) -> str:
    return seconds_text(value, context["lang"])


@pass_context
def _counted(context: Context, number: int, noun: str) -> str:
    return said_count(number, noun).in_language(context["lang"])


@pass_context
def _whole(context: Context, value: int | None) -> str:
    return whole(int(value), context["lang"]) if value is not None else "–"


@pass_context
def _change(context: Context, value: int | None, unit_of_measure: str = "") -> str:
    """A change with its sign: ``+12``, ``−3``, ``0``; of seconds ``+1 min 5 s``."""
    return "–" if value is None else signed(int(value), context["lang"], unit_of_measure)


@pass_context
def _shortfall(context: Context, count: int | None) -> str:
    return shortfall_text(count, context["lang"])


@pass_context
def _percent(context: Context, value: Decimal | float | None, places: int = 2) -> str:
    return percent(Decimal(str(value)), context["lang"], places) if value is not None else "–"


@pass_context
def _share(context: Context, value: float | None) -> str:
    """A part of 1 that is compared with no target, in per cent."""
    return share_text(value, context["lang"]) if value is not None else "–"


@pass_context
def _rate(
    context: Context,
    numerator: int | None,
    denominator: int | None,
    target: Decimal | float | None = None,
) -> str:
    """A share in per cent; a dash without a denominator."""
    return measured(numerator, denominator, None, "percent", context["lang"], target) or "–"


@pass_context
def _duration(context: Context, seconds: Decimal | float | None) -> str:
    return duration(Decimal(str(seconds)), context["lang"]) if seconds is not None else "–"


@pass_context
def _decimal(context: Context, value: Decimal | float | None) -> str:
    return (
        decimal_text(Decimal(str(value)).normalize(), context["lang"]) if value is not None else "–"
    )


def figure_text(row: Mapping[str, Any], unit_of_measure: str, lang: Language) -> str:
    """A figure with its unit; a dash without one.

    Args:
        row: with ``numerator``, ``denominator`` and ``value``; with ``target``, where it has one.
        unit_of_measure: as in ``ref.indicator``.
        lang: of the text.
    """
    counts = (row["numerator"], row["denominator"])
    text = measured(*counts, row["value"], unit_of_measure, lang, row.get("target"))
    return text or "–"


def few_cases(warehouse: Warehouse) -> int:
    """A figure of fewer cases is marked (``is_small`` of the marts)."""
    rule = warehouse.value(
        "select max(rule_value) as few from ref.counting_rule where rule_code = 'small_denominator'"
    )
    return int(rule or 0)


def point_value(row: Mapping[str, Any]) -> float | None:
    """The value of a figure for a chart, from its integers where it has them."""
    return None if row["value"] is None else float(row["value"])


def month_label(date: dt.date, *, with_year: bool = False) -> str:
    """A month as a label: ``7``, or ``7/2022``."""
    return f"{date.month}/{date.year}" if with_year else str(date.month)
