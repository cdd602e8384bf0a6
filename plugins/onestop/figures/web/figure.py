"""Figure: from a number to the items behind it, each with its reason, its delivery and row."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from onestop.console import csv_bytes
from onestop.figures.explain.asking import DECLARED, OtherScopeError, ask, read_published
from onestop.figures.explain.checks import check_codes
from onestop.figures.explain.items import ROLES, fact_text, unit_names_in
from onestop.figures.explain.output import cell_text, heading, read_labels, role_text
from onestop.figures.explain.paging import (
    FAILING_FIRST,
    FoundItems,
    ItemFilter,
    find_items,
    procedures_of,
)
from onestop.figures.known_issues import read_known_issues
from onestop.figures.scorecard.any_figure import read_figure_lines
from onestop.figures.scorecard.values import ON_TIME
from onestop.figures.spreadsheet import Sheet, workbook
from onestop.figures.unit_names import label_column, level_said, unit_label
from onestop.figures.web.shown_periods import STATE_STEPS
from onestop.figures.web.site import (
    ROWS_PER_PAGE,
    PageQuestionError,
    date_of,
    one_of,
    page_number,
)
from onestop.figures.web.unit import read_unit_choices
from onestop.marts.published import find_night
from onestop.said import said, said_either, said_text
from onestop.schema.did_you_mean import did_you_mean
from onestop.schema.number_text import amounts_text, day, measured, target_text, whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onestop.figures.explain.asking import Asked
    from onestop.figures.explain.items import CountedItem, Question, Role
    from onestop.figures.web.site import Visit
    from onestop.schema.number_text import Language
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

#: A figure of more items is shown by units: all of them would have to be read for one page.
MOST_ITEMS = 100_000
#: The same in a warehouse of more dossiers than that.
MOST_OF_MANY = 2_000
_DOSSIERS = "dossiers"


@dataclass(frozen=True)
class _Coordinates:
    """The figure that a request asks about."""

    indicator: str
    method: str | None
    unit: str
    first: dt.date
    last: dt.date
    chosen: ItemFilter


def _coordinates(warehouse: Warehouse, visit: Visit) -> _Coordinates:
    """What a request asks about; defaults to the plan's first figure of the city.

    Raises:
        QuestionError: a date is none.
    """
    query, night = visit.query, find_night(warehouse, None)
    indicator = query.get("indicator", ON_TIME)
    return _Coordinates(
        indicator=indicator,
        method=visit.method_of(indicator),
        unit=query.get("unit", "CITY").strip(),
        first=date_of(query.get("from"), night.replace(month=1, day=1)),
        last=date_of(query.get("to"), night),
        chosen=ItemFilter(
            role=_role_of(query),
            reason_code=query.get("reason"),
            text=query.get("q", "").strip(),
        ),
    )


def _role_of(query: Mapping[str, str]) -> Role | None:
    asked = one_of(query, "role", ROLES, said_text("part of a figure"))
    return next((role for role in ROLES if role == asked), None)


def read_figure(warehouse: Warehouse, _settings: Settings, visit: Visit) -> dict[str, Any]:
    """The values of ``figure.html``.

    Args:
        warehouse: the published marts, open.
        _settings: of this installation.
        visit: the request, with ``indicator``, ``method``, ``unit``, ``from`` and ``to``; with
            ``role``, ``reason``, ``q`` and ``page`` for the list of items.

    Raises:
        QuestionError: there is no such figure.
    """
    at = _coordinates(warehouse, visit)
    asked = _ask(warehouse, at)
    question = asked.question
    lang = visit.lang
    labels = read_labels(warehouse, at.indicator, question.method, question.night, lang)
    published = read_published(question, is_check=asked.is_check)
    amounts_published = published.amounts if published else None
    line = read_figure_lines(
        warehouse, question.unit.unit_code, question.first, question.until
    ).get((at.indicator, question.method))
    choices, unit = _read_choices(warehouse, asked, lang), question.unit
    names = {each["code"]: each["title"] for each in choices["units"]}
    values: dict[str, Any] = {
        "night": question.night,
        "at": at,
        "unit": unit,
        "unit_name": unit_label(unit.unit_code, names.get(unit.unit_code, unit.name), lang),
        "labels": labels,
        "method": question.method,
        "is_check": asked.is_check,
        "choices": choices,
        "role_texts": {
            role: role_text(role, lang, is_check=asked.is_check)
            for role in (ROLES if asked.is_check else FAILING_FIRST)
        },
        "issues": [
            issue.footnote_vi if lang == "vi" else issue.footnote_en
            for issue in read_known_issues(
                warehouse,
                question.marts,
                at.indicator,
                question.unit.unit_code,
                (at.first, question.until),
            )
        ],
        "units": [],
        "found": None,
        "agrees": None,
        "published": amounts_published,
        "runs_until": published.runs_until if published else None,
        "target": None if asked.is_check else _read_target(warehouse, question, labels, lang),
        "notes": line.page_notes(lang) if line else [],
        "is_verified": line is None or line.verified,
        "is_other_method": not asked.is_check
        and question.method != asked.described["scorecard_method"],
        "state_on": question.until
        if asked.step in STATE_STEPS and question.until < question.night
        else None,
        "tables_read": [_PUBLISHED_IN[asked.is_check]],
        "no_data_reason": asked.no_data_reason(lang),
        "is_ahead": question.first > question.night,
    }
    units = _read_units(warehouse, asked, amounts_published)
    if units is not None:
        values["units"] = units
        measure = labels["unit_of_measure"]
        values["figure_text"] = _figure_text(amounts_published, measure, values["target"], lang)
        return values
    found, page = _find_page(asked, at.chosen, visit)
    _refuse_other_reason(at.chosen, found)
    amounts = (found.numerator, found.denominator)
    values["figure_text"] = _figure_text(amounts, labels["unit_of_measure"], values["target"], lang)
    values["tables_read"] += _ITEMS_IN.get(found.kind.name, ())
    values["amounts"] = amounts
    values["found"] = found
    values["page"] = page
    values["agrees"] = None if published is None else published.amounts == amounts
    values["columns"] = [found.kind.code, *found.kind.facts]
    values["headings"] = [heading(name, lang) for name in values["columns"]]
    values["rows"] = list(_rows(asked, found, names, lang))
    return values


#: The table of published figures, by whether it is a check of the decrees; those of the items.
_PUBLISHED_IN = {False: "mart.indicator_value", True: "mart.decree_check_count"}
_ITEMS_IN = {
    _DOSSIERS: ("mart.dossier",),
    "tickets": ("mart.visit",),
    "procedures": ("mart.catalogue",),
    "units": ("mart.unit",),
    "declarations": ("core.declaration_history",),
}


def _ask(warehouse: Warehouse, at: _Coordinates) -> Asked:
    try:
        return ask(warehouse, at.indicator, at.unit, at.first, at.last, at.method, is_narrow=True)
    except OtherScopeError as error:
        raise PageQuestionError(
            error.what,
            remedy=said("choose {units}", units=said_either([*map(level_said, error.scopes)])),
            instead={"unit": error.scopes[0], "page": None},
        ) from error


def _read_target(
    warehouse: Warehouse, question: Question, labels: Mapping[str, str], lang: Language
) -> dict[str, Any] | None:
    """What the figure is compared with, where its span is a period; with how many are lacking."""
    coordinates = {
        "indicator": question.indicator,
        "method": question.method,
        "unit": question.unit.unit_code,
        "first": question.first,
        "last": question.until,
    }
    rows = warehouse.rows(
        "select figure.target, figure.comparison, figure.status, figure.shortfall,"
        f" status.label_{lang} as status_text from mart.indicator_value as figure"
        " left join ref.figure_status as status on figure.status = status.status"
        " where figure.indicator_code = :indicator and figure.method_code = :method"
        " and figure.unit_code = :unit and figure.period_start = :first"
        " and least(figure.period_end, figure.as_of_date) = :last and figure.target is not null"
        " order by figure.period_basis, figure.period_type limit 1",
        coordinates,
    )
    if not rows and "indicator_variant" in warehouse.tables("mart"):
        rows = warehouse.rows(
            "select figure.target, figure.comparison, reading.status, null as shortfall,"
            f" status.label_{lang} as status_text from mart.indicator_variant as reading"
            " inner join mart.indicator_value as figure"
            " on reading.indicator_code = figure.indicator_code"
            " and reading.method_code = figure.method_code"
            " and reading.unit_code = figure.unit_code"
            " and reading.period_type = figure.period_type"
            " and reading.period_basis = figure.period_basis"
            " and reading.period_start = figure.period_start"
            " left join ref.figure_status as status on reading.status = status.status"
            " where reading.indicator_code = :indicator and reading.reading_code = :method"
            " and reading.unit_code = :unit and reading.period_start = :first"
            " and least(reading.period_end, reading.as_of_date) = :last"
            " and figure.target is not null"
            " order by reading.period_basis, reading.period_type limit 1",
            coordinates,
        )
    for row in rows:
        text = target_text(row["target"], row["comparison"], labels["unit_of_measure"], lang)
        return {**row, "text": text}
    return None


def _find_page(asked: Asked, chosen: ItemFilter, visit: Visit) -> tuple[FoundItems, Any]:
    """The items of the page that was asked for; the last one's if there are fewer."""
    asked_for = page_number(visit.query.get("page"), 10**9)
    found = find_items(asked, chosen, asked_for.offset, ROWS_PER_PAGE)
    page = page_number(visit.query.get("page"), found.matching)
    if page.number != asked_for.number:
        found = find_items(asked, chosen, page.offset, ROWS_PER_PAGE)
    return found, page


def _refuse_other_reason(chosen: ItemFilter, found: FoundItems) -> None:
    """Refuse a reason that no item of the figure has, instead of an empty list.

    Raises:
        PageQuestionError: names the reasons that there are.
    """
    known = {count.reason_code for count in found.counts if chosen.role in {None, count.role}}
    if chosen.reason_code is None or chosen.reason_code in known:
        return
    raise PageQuestionError(
        said("no item of this figure has the reason {asked}", asked=chosen.reason_code),
        remedy=did_you_mean(chosen.reason_code, sorted(known)),
        instead={"reason": None, "page": None},
    )


def _rows(
    asked: Asked, found: FoundItems, names: Mapping[str, str], lang: Language
) -> Iterator[dict[str, Any]]:
    kind = found.kind
    is_dossier = kind.name == _DOSSIERS
    procedures = procedures_of(asked, found.items) if is_dossier else {}
    for item in found.items:
        cells = item.cells(kind, names)
        yield {
            "item": item,
            "cells": [
                (cell_text(name, cells[name], lang), name.endswith("_date")) for name in kind.facts
            ],
            "reason": item.reason_vi if lang == "vi" else item.reason_en,
            "procedure": procedures.get(item.code, ""),
            "unit": _unit_of(asked, item, names, lang),
        }


def _unit_of(asked: Asked, item: CountedItem, names: Mapping[str, str], lang: Language) -> str:
    """The unit or level that an item counts for; empty where it is the one that was asked for."""
    code = item.unit_code
    asked_for = asked.question.unit
    if not code or asked_for.scope == "unit" or code in {"CITY", item.code, asked_for.unit_code}:
        return ""
    return unit_label(code, names.get(code), lang)


def _figure_text(
    amounts: tuple[int | None, int | None] | None,
    unit_of_measure: str,
    target: Mapping[str, Any] | None,
    lang: Language,
) -> str:
    if amounts is None:
        return "–"
    numerator, denominator = amounts
    if unit_of_measure == _DOSSIERS:
        return f"{whole(numerator or 0, lang)} {heading(_DOSSIERS, lang)}"
    if numerator is None or not denominator:
        return heading("nothing", lang)
    goal = target["target"] if target else None
    return measured(numerator, denominator, None, unit_of_measure, lang, goal)


def _read_choices(warehouse: Warehouse, asked: Asked, lang: Language) -> dict[str, Any]:
    """What can be asked: indicators, methods of this one, levels and units."""
    indicators = warehouse.rows(
        f"select indicator_code as code, title_{lang} as title from ref.indicator order by position"
    )
    checks = []
    for code in check_codes(warehouse):
        title = warehouse.value(
            f"select max(label_{lang}) from ref.decree_check where check_code = :code",
            {"code": code},
        )
        checks.append({"code": code, "title": title})
    methods = warehouse.rows(
        f"select method.method_code as code, method.label_{lang} as title"
        " from (select distinct method_code from mart.indicator_value"
        " where indicator_code = :code) as found"
        " inner join ref.method as method on found.method_code = method.method_code"
        " order by method.position",
        {"code": asked.question.indicator},
    )
    if asked.question.indicator == ON_TIME:
        methods += warehouse.rows(
            f"select reading.reading_code as code, reading.label_{lang} as title"
            " from ref.reading as reading left join ref.method as method"
            " on reading.reading_code = method.method_code where method.method_code is null"
            " order by reading.position"
        )
    return {
        "indicators": indicators,
        "checks": checks,
        "methods": methods,
        "units": read_unit_choices(warehouse, lang),
    }


def _read_units(
    warehouse: Warehouse, asked: Asked, published: tuple[int | None, int | None] | None
) -> list[dict[str, Any]] | None:
    """The same figure of each unit, where that of a level or the city has too many items.

    Returns:
        The units, the worst first; None where the items can be listed at once.
    """
    question = asked.question
    if question.unit.scope == "unit" or asked.is_check or question.method == DECLARED:
        return None
    rows = warehouse.rows(
        "select max(denominator) as items from mart.indicator_value"
        " where indicator_code = :indicator and method_code = :method and unit_code = :unit"
        " and period_type in ('year', 'year_to_date') and period_basis = 'calendar'",
        {
            "indicator": question.indicator,
            "method": question.method,
            "unit": question.unit.unit_code,
        },
    )
    items = (published[1] if published else None) or rows[0]["items"] or 0
    dossiers = warehouse.value(
        "select dossier_count from audit.publication order by publication_id desc limit 1"
    )
    most = MOST_OF_MANY if int(dossiers or 0) > MOST_ITEMS else MOST_ITEMS
    if items <= most:
        return None
    is_city = question.unit.scope == "city"
    level = "" if is_city else " and figure.unit_level = :level"
    of_level = {} if is_city else {"level": question.unit.level}
    units = warehouse.rows(
        f"select figure.unit_code, coalesce(unit.{label_column(warehouse)}, figure.unit_code)"
        " as unit_name,"
        " figure.numerator, figure.denominator, figure.value, figure.status, figure.rate_lower,"
        " figure.rate_upper, figure.is_small"
        " from mart.indicator_value as figure"
        " inner join mart.unit as unit on figure.unit_code = unit.unit_code"
        " where figure.indicator_code = :indicator and figure.method_code = :method"
        f" and figure.unit_scope = 'unit'{level} and figure.period_start = :first"
        " and figure.period_end = :last and figure.denominator > 0"
        " order by coalesce(figure.rate_upper, -figure.value), figure.unit_code",
        {
            "indicator": question.indicator,
            "method": question.method,
            "first": question.first,
            "last": question.last,
            **of_level,
        },
    )
    found: dict[str, dict[str, Any]] = {}
    for row in units:  # a span may be several periods, as a year and the year to date
        found.setdefault(row["unit_code"], row)
    if found:
        return list(found.values())
    return warehouse.rows(
        f"select unit_code, coalesce({label_column(warehouse)}, unit_code) as unit_name,"
        " null as numerator,"
        " null as denominator, null as value, '' as status, false as is_small from mart.unit"
        f" where unit_scope = 'unit'{level.replace('figure.', '')} order by unit_code",
        of_level,
    )


def _download(warehouse: Warehouse, visit: Visit) -> tuple[Asked, _Coordinates, FoundItems]:
    """All items that the filter chooses.

    Raises:
        QuestionError: there is no such figure, it has too many items, or they do not add up.
    """
    at = _coordinates(warehouse, visit)
    asked = _ask(warehouse, at)
    found_published = read_published(asked.question, is_check=asked.is_check)
    published = found_published.amounts if found_published else None
    if _read_units(warehouse, asked, published) is not None:
        raise PageQuestionError(
            "the figure has too many items for one file",
            remedy="choose one unit or a shorter span; the engineer on duty can list all of them",
        )
    found = find_items(asked, at.chosen)
    _refuse_other_reason(at.chosen, found)
    if published is not None and published != (found.numerator, found.denominator):
        raise PageQuestionError(
            said(
                "the {name} do not add up to the published figure, so they are not listed",
                name=said_text(found.kind.name),
            ),
            remedy=said(
                "tell the engineer on duty, who runs `onestop verify --as-of {night}`",
                night=asked.question.night,
            ),
        )
    return asked, at, found


def file_stem(at: _Coordinates) -> str:
    """The name of a download, without ending: another one for another method or part."""
    chosen = at.chosen
    parts = (
        *(at.indicator, at.method, at.unit, at.first, at.last),
        *(chosen.role, chosen.reason_code, chosen.text),
    )
    text = "-".join(str(part) for part in parts if part)
    return "".join(letter if letter.isalnum() or letter in "_-" else "-" for letter in text)


def figure_csv(warehouse: Warehouse, visit: Visit) -> tuple[str, bytes]:
    """The items as CSV: its name and its bytes, the columns as ``onestop explain`` writes them.

    Raises:
        QuestionError: as :func:`read_figure`, or there are too many items.
    """
    _, at, found = _download(warehouse, visit)
    names = unit_names_in(warehouse, visit.lang)
    rows = (item.cells(found.kind, names).values() for item in found.items)
    return f"{file_stem(at)}.csv", csv_bytes(found.kind.columns, rows)


#: Widths of the columns of the workbook, by the end of their names.
_WIDTHS = {"_date": 12, "_at": 19, "_code": 26, "_vi": 60, "_en": 60, "_id": 40, "_name": 40}


def figure_xlsx(warehouse: Warehouse, visit: Visit) -> tuple[str, bytes]:
    """The items as a workbook: its name and its bytes.

    Raises:
        QuestionError: as :func:`figure_csv`.
    """
    asked, at, found = _download(warehouse, visit)
    lang, kind = visit.lang, found.kind
    unit, units = asked.question.unit, unit_names_in(warehouse, lang)
    renamed = _FIRST_HEADINGS | ({} if "unit_name" in kind.facts else _OF_ANOTHER_KIND)
    names = [name for name in kind.columns if not name.endswith("_en" if lang == "vi" else "_vi")]
    labels = read_labels(warehouse, at.indicator, asked.question.method, asked.question.night, lang)
    as_of = heading("as_of", lang).format(as_of=day(asked.question.night, lang))
    span = heading("span", lang).format(first=day(at.first, lang), last=day(at.last, lang))
    counted_by = labels.get("method") or labels.get("clause", "")
    figure = _whole_figure(warehouse, asked, found, labels, lang)
    part = _excerpt_text(asked, at.chosen, found, lang)
    sheet = Sheet(
        name="Hồ sơ" if lang == "vi" and kind.name == _DOSSIERS else heading(kind.name, lang),
        title=f"{labels['title']} · {unit_label(unit.unit_code, unit.name, lang)}",
        note=" · ".join(filter(None, (span, counted_by, as_of, figure, part))),
        headings=[heading(renamed.get(name, name), lang) for name in names],
        widths=[
            next((width for end, width in _WIDTHS.items() if name.endswith(end)), 14)
            for name in names
        ],
        lang=lang,
    )
    reasons = {
        count.reason_code: count.reason_vi if lang == "vi" else count.reason_en
        for count in found.counts
    }
    rows = (
        [
            role_text(item.role, lang, is_check=asked.is_check)
            if name == "role"
            else _workbook_cell(name, cells[name], lang, reasons)
            for name in names
        ]
        for item, cells in ((item, item.cells(kind, units)) for item in found.items)
    )
    return f"{file_stem(at)}.xlsx", workbook(sheet, rows)


def _whole_figure(
    warehouse: Warehouse, asked: Asked, found: FoundItems, labels: Mapping[str, str], lang: Language
) -> str:
    """The figure of all its items, and what it is made of; of a check how many it found."""
    measure = labels["unit_of_measure"]
    target = None if asked.is_check else _read_target(warehouse, asked.question, labels, lang)
    text = _figure_text((found.numerator, found.denominator), measure, target, lang)
    if not asked.is_check and found.numerator is not None and found.denominator:
        text += f" ({amounts_text(found.numerator, found.denominator, measure, lang)})"
    return heading("figure", lang).format(figure=text)


def _excerpt_text(asked: Asked, chosen: ItemFilter, found: FoundItems, lang: Language) -> str:
    """That only some items of the figure are listed, and which; empty where all are."""
    reasons = {
        count.reason_code: count.reason_vi if lang == "vi" else count.reason_en
        for count in found.counts
    }
    parts = []
    if chosen.role:
        parts.append(role_text(chosen.role, lang, is_check=asked.is_check))
    if chosen.reason_code:
        parts.append(reasons.get(chosen.reason_code, chosen.reason_code))
    if chosen.text:
        parts.append(heading("contains", lang).format(text=chosen.text))
    if not parts:
        return ""
    return heading("excerpt", lang).format(
        items=whole(found.matching, lang),
        total=whole(sum(count.items for count in found.counts), lang),
        chosen="; ".join(parts),
    )


#: Columns that have another heading on pages.
_FIRST_HEADINGS = {
    "reason_code": "reason_class",
    "reason_vi": "reason",
    "reason_en": "reason",
    "numerator": "adds_to_numerator",
    "denominator": "adds_to_denominator",
    "wait_seconds": "wait_in_seconds",
}

#: Beside the name of a procedure the column of units says whose name it has.
_OF_ANOTHER_KIND = {"unit_name": "name_of_unit"}


def _workbook_cell(
    name: str,
    value: Any,  # noqa: ANN401 - of any type
    lang: Language,
    reasons: Mapping[str, str],
) -> Any:  # noqa: ANN401 - idem
    if name == "reason_code":
        return reasons.get(value, value)
    if isinstance(value, dt.datetime):
        return fact_text(value, lang)
    if name == "authority_level":
        return cell_text(name, value, lang)
    return float(value) if isinstance(value, Decimal) else value
