"""Audit: what was edited after a deadline, restated, published and issued; why nights differ."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from onestop.console import csv_bytes
from onestop.figures.code_texts import code_names
from onestop.figures.difference import compare_nights
from onestop.figures.difference.output import Labels, notes_on
from onestop.figures.difference.recorded import recorded_difference
from onestop.figures.explain.output import heading
from onestop.figures.issued import read_issued_reports
from onestop.figures.unit_names import label_column, unit_label
from onestop.figures.web.site import (
    PageQuestionError,
    date_of,
    figure_text,
    one_of,
    page_number,
)
from onestop.figures.web.unit import (
    find_unit,
    name_signs,
    read_unit_choices,
    sign_condition,
)
from onestop.marts.earlier_nights import FoundUnit
from onestop.marts.published import find_night, published_nights
from onestop.said import said, said_text
from onestop.schema.number_text import amounts_text, day

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onestop.figures.difference import Difference, Verdict
    from onestop.figures.web.site import Visit
    from onestop.schema.number_text import Language
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

_CITY = "CITY"
#: What a sign changed: columns before and after, and their name for people.
_CHANGED: tuple[tuple[str, dict[Language, str]], ...] = (
    ("due_at", {"vi": "hẹn trả", "en": "due"}),
    ("resolved_at", {"vi": "kết thúc", "en": "ended"}),
    ("status", {"vi": "trạng thái", "en": "status"}),
)
#: What classes a dossier beside its days, as the row of the file states it.
_CLASSED: dict[str, dict[Language, str]] = {
    "original_due_date": {"vi": "hạn trả đầu tiên", "en": "first due date"},
    "field_code": {"vi": "lĩnh vực", "en": "field"},
    "procedure_code": {"vi": "thủ tục", "en": "procedure"},
    "channel": {"vi": "kênh", "en": "channel"},
    "service_level": {"vi": "mức độ", "en": "service level"},
    "result_digitised": {"vi": "kết quả số hóa", "en": "digitised result"},
}
#: Ends without a result. Their status may be "result returned": sources have one for all ends.
_WITHOUT_RESULT = ("returned_unprocessed", "withdrawn")
#: The order of signs: the strongest first, then those that were overdue longest.
_STRONGEST_FIRST = (
    "case sign.strength when 'strong' then 0 else 1 end, sign.days_overdue desc nulls last,"
    " sign.changed_night desc, sign.dossier_code, sign.change_kind"
)


def _sign_filter(
    warehouse: Warehouse, visit: Visit
) -> tuple[str, dict[str, Any], Mapping[str, Any]]:
    """The condition on the signs that are asked for, its parameters, and the unit.

    Raises:
        QuestionError: there is no such unit, kind or strength.
    """
    unit = find_unit(warehouse, visit.query.get("unit", _CITY))
    condition, values = sign_condition(unit)
    for name, column, kind in (
        ("kind", "change_kind", said_text("kind of sign")),
        ("strength", "strength", said_text("strength of signs")),
    ):
        asked = one_of(visit.query, name, code_names(column, visit.lang), kind)
        if asked:
            condition += f" and {column} = :{name}"
            values[name] = asked
    return condition, values, unit


def read_audit(warehouse: Warehouse, _settings: Settings, visit: Visit) -> dict[str, Any]:
    """The values of ``audit.html``: signs of edits after the deadline.

    Args:
        warehouse: the published marts, open.
        _settings: of this installation.
        visit: the request, with ``unit``, ``kind``, ``strength`` and ``page``.

    Raises:
        QuestionError: there is no such unit, kind or strength.
    """
    lang = visit.lang
    condition, values, unit = _sign_filter(warehouse, visit)
    total = int(
        warehouse.value(
            f"select count(*) from mart.changed_after_overdue where {condition}", values
        )
        or 0
    )
    page = page_number(visit.query.get("page"), total)
    counts = warehouse.rows(
        "select change_kind, strength, count(*) as signs from mart.changed_after_overdue"
        " group by change_kind, strength order by strength, count(*) desc, change_kind"
    )
    name = f"coalesce(unit.{label_column(warehouse)}, sign.unit_code)"
    units = warehouse.rows(
        f"select sign.unit_code, {name} as unit_name,"
        " count(case when sign.strength = 'strong' then 1 end) as strong, count(*) as signs"
        " from mart.changed_after_overdue as sign"
        " left join mart.unit as unit on sign.unit_code = unit.unit_code"
        f" group by sign.unit_code, {name}"
        " order by 3 desc, 4 desc, sign.unit_code"
    )
    return {
        "night": find_night(warehouse, None),
        "unit_name": unit_label(unit["unit_code"], unit["unit_name"], lang),
        "unit_code": unit["unit_code"],
        "rows": _read_signs(warehouse, lang, condition, values, page.offset, page.size),
        "page": page,
        "counts": counts,
        "units": units,
        "kinds": code_names("change_kind", lang).items(),
        "strengths": code_names("strength", lang).items(),
        "query": visit.query,
    }


def _read_signs(
    warehouse: Warehouse,
    lang: Language,
    condition: str,
    values: Mapping[str, Any],
    offset: int,
    limit: int,
) -> list[dict[str, Any]]:
    rows = warehouse.rows(
        f"select sign.*, unit.{label_column(warehouse)} as unit_name,"
        " before.file_name as file_before,"
        " after.file_name as file_after"
        f" from (select * from mart.changed_after_overdue as sign where {condition}"
        f" order by {_STRONGEST_FIRST} limit {int(limit)} offset {int(offset)}) as sign"
        " left join mart.unit as unit on sign.unit_code = unit.unit_code"
        f" left join ({_FILES}) as before on sign.delivery_before = before.delivery_id"
        f" left join ({_FILES}) as after on sign.delivery_after = after.delivery_id"
        f" order by {_STRONGEST_FIRST}",
        values,
    )
    statuses, classes = (_labels(warehouse, name, lang) for name in ("status", "closing_class"))
    name_signs(rows, lang)
    for row in rows:
        row["changes"] = list(changes_of(row, statuses, classes, lang))
    return rows


def changes_of(
    row: Mapping[str, Any], statuses: Mapping[str, str], classes: Mapping[str, str], lang: Language
) -> Iterator[tuple[str, Any, Any]]:
    """What a sign changed: the name, before and after.

    Args:
        row: of ``mart.changed_after_overdue``.
        statuses: the names of ``ref.status``.
        classes: the names of ``ref.closing_class``, which are shown for ends without a result.
        lang: of the names.
    """
    for name, texts in _CHANGED:
        sides = []
        for side in ("before", "after"):
            value = row[f"{name}_{side}"]
            if name == "status":
                end = row.get(f"closing_class_{side}")
                value = classes[end] if end in _WITHOUT_RESULT else statuses.get(value, value)
            sides.append(value)
        if sides[0] != sides[1]:
            yield texts[lang], sides[0], sides[1]


_FILES = "select delivery_id, min(file_name) as file_name from audit.delivery group by delivery_id"
#: Signs as CSV, at most.
_MOST_SIGNS = 200_000
_SIGN_COLUMNS = (
    "dossier_code", "unit_code", "unit_name", "change_kind", "strength", "changed_night",
    "last_seen_night", "received_date", "due_at_before", "due_at_after", "resolved_at_before",
    "resolved_at_after", "status_before", "status_after", "closing_class_before",
    "closing_class_after", "days_overdue", "has_turned_on_time",
    "file_before", "row_before", "file_after", "row_after", "numerator", "denominator",
    "numerator_without", "denominator_without",
)  # fmt: skip


def signs_csv(warehouse: Warehouse, visit: Visit) -> tuple[str, bytes]:
    """The signs that are asked for as CSV, the strongest first.

    Raises:
        QuestionError: as :func:`read_audit`.
    """
    condition, values, _ = _sign_filter(warehouse, visit)
    rows = _read_signs(warehouse, visit.lang, condition, values, 0, _MOST_SIGNS)
    cells = ([row.get(name) for name in _SIGN_COLUMNS] for row in rows)
    return "signs.csv", csv_bytes(_SIGN_COLUMNS, cells)


def read_restatements(warehouse: Warehouse, _settings: Settings, visit: Visit) -> dict[str, Any]:
    """The values of ``restatements.html``: published figures that a later night changed.

    Args:
        warehouse: the published marts, open.
        _settings: of this installation.
        visit: the request, with ``unit``, ``night`` and ``page``; with ``type``, ``basis`` and
            ``start`` of a period also the dossiers that changed it.

    Raises:
        QuestionError: there is no such unit, night or period.
    """
    lang = visit.lang
    unit = find_unit(warehouse, visit.query.get("unit", _CITY))
    condition = "restated.unit_code = :unit"
    values: dict[str, Any] = {"unit": unit["unit_code"]}
    night = visit.query.get("night")
    if night:
        values["night"] = find_night(warehouse, date_of(night, find_night(warehouse, None)))
        condition += " and restated.restated_night = :night"
    [count] = warehouse.rows(
        "select count(case when restated.field_code = 'ALL' then 1 end) as listed,"
        " count(case when restated.field_code <> 'ALL' then 1 end) as by_field"
        f" from mart.restatement as restated where {condition}",
        values,
    )
    page = page_number(visit.query.get("page"), count["listed"])
    rows = warehouse.rows(
        f"select restated.*, indicator.title_{lang} as title, indicator.unit_of_measure"
        " from mart.restatement as restated left join ref.indicator as indicator"
        " on restated.indicator_code = indicator.indicator_code"
        f" where {condition} and restated.field_code = 'ALL'"
        " order by restated.restated_night desc, indicator.position,"
        " restated.indicator_code, restated.method_code, restated.period_start desc,"
        " restated.period_type, restated.period_basis"
        f" limit {page.size} offset {page.offset}",
        values,
    )
    indicators, methods = (
        _names(warehouse, kind, lang) for kind in ("indicator_code", "method_code")
    )
    for row in rows:
        row["title"] = row["title"] or indicators.get(row["indicator_code"], row["indicator_code"])
        row["method"] = methods.get(row["method_code"], heading(row["method_code"], lang))
        row["before"], row["after"] = (_amounts(row, side, lang) for side in ("before", "after"))
    nights = warehouse.rows(
        "select restated_night as night, count(*) as figures from mart.restatement"
        " where unit_code = :unit and field_code = 'ALL' group by restated_night"
        " order by restated_night desc limit 60",
        {"unit": unit["unit_code"]},
    )
    if values.get("night") and values["night"] not in {row["night"] for row in nights}:
        nights.insert(0, {"night": values["night"], "figures": count["listed"]})
    period_types = _labels(warehouse, "period_type", lang)
    period = _restated_period(warehouse, unit, visit.query, period_types)
    return {
        "night": find_night(warehouse, None),
        "unit_code": unit["unit_code"],
        "unit_name": unit_label(unit["unit_code"], unit["unit_name"], lang),
        "rows": rows,
        "page": page,
        "by_field": count["by_field"],
        "nights": nights,
        "period_types": period_types,
        "period": period,
        "dossiers": _read_restated_dossiers(warehouse, unit, period, lang) if period else None,
        "units": read_unit_choices(warehouse, lang),
        "query": visit.query,
    }


def _amounts(row: Mapping[str, Any], side: str, lang: Language) -> str:
    numerator, denominator = row[f"numerator_{side}"], row[f"denominator_{side}"]
    if numerator is None:
        return "–"
    if denominator is None or not row["unit_of_measure"]:
        figure = {"numerator": None, "denominator": None, "value": numerator}
        return figure_text(figure, "count", lang)
    figure = {"numerator": numerator, "denominator": denominator, "value": None}
    return figure_text(figure, row["unit_of_measure"], lang)


def _names(warehouse: Warehouse, kind: str, lang: Language) -> dict[str, str]:
    """The names of a kind of codes in ``mart.label``, by code."""
    if "label" not in warehouse.tables("mart"):  # published by an earlier release
        return {}
    rows = warehouse.rows(
        f"select code, label_{lang} as label from mart.label where code_kind = :kind",
        {"kind": kind},
    )
    return {row["code"]: row["label"] for row in rows}


def _labels(warehouse: Warehouse, table: str, lang: Language) -> dict[str, str]:
    rows = warehouse.rows(f"select {table} as code, label_{lang} as label from ref.{table}")
    return {row["code"]: row["label"] for row in rows}


#: What a period is asked for by, beside the night that changed it.
_OF_PERIOD = ("type", "basis", "start")


def _restated_period(
    warehouse: Warehouse,
    unit: Mapping[str, Any],
    query: Mapping[str, str],
    period_types: Mapping[str, str],
) -> dict[str, Any] | None:
    """The period whose dossiers are asked for, and the night that changed it; None for none.

    Raises:
        PageQuestionError: there is no such type or basis, the question is incomplete, or no figure
            of the period was changed on that night.
    """
    last = find_night(warehouse, None)
    kind = one_of(query, "type", period_types, said_text("kind of period"))
    bases = ("calendar", "government")
    basis = one_of(query, "basis", bases, said_text("basis of periods"))
    if not any(query.get(name) for name in _OF_PERIOD):
        return None
    whole_list = dict.fromkeys(_OF_PERIOD)
    if not all(query.get(name) for name in ("night", *_OF_PERIOD)):
        raise PageQuestionError(
            "a period is asked for by the night that changed it, its kind, basis and first day",
            remedy="choose the number of dossiers beside a figure",
            instead=whole_list,
        )
    night, start = date_of(query["night"], last), date_of(query["start"], last)
    found = warehouse.rows(
        "select restated_night as night, period_type, period_basis, period_start, period_end"
        " from mart.restatement where unit_code = :unit and restated_night = :night"
        " and period_type = :kind and period_basis = :basis and period_start = :start limit 1",
        {
            "unit": unit["unit_code"],
            "night": night,
            "kind": kind,
            "basis": basis,
            "start": start,
        },
    )
    if not found:
        raise PageQuestionError(
            said(
                "night {night} changed no figure of such a period from {start} on",
                night=night,
                start=start,
            ),
            remedy="choose the number of dossiers beside a figure",
            instead=whole_list,
        )
    return found[0]


def _read_restated_dossiers(
    warehouse: Warehouse, unit: Mapping[str, Any], period: Mapping[str, Any], lang: Language
) -> list[dict[str, Any]]:
    """The dossiers that changed the figures of one period on one night."""
    condition, values = "true", {}
    if unit["unit_scope"] != "city":
        column = "level" if unit["unit_scope"] == "level" else "unit"
        value = unit["unit_level" if column == "level" else "unit_code"]
        condition, values = f"(:unit in ({column}_before, {column}_after))", {"unit": value}
    stated = "".join(
        f" stated_{side}.{column} as {column}_{name},"
        for column in _CLASSED
        for side, name in (("was", "before"), ("now", "after"))
    )
    rows = warehouse.rows(
        f"select dossier.*, was.label_{lang} as text_before,{stated}"
        f" now.label_{lang} as text_after, file_was.file_name as file_before,"
        " file_now.file_name as file_after,"
        f" coalesce(unit.{label_column(warehouse)}, dossier.unit_after, dossier.unit_before)"
        " as unit_name"
        " from mart.restatement_dossier as dossier"
        " left join mart.unit as unit"
        " on coalesce(dossier.unit_after, dossier.unit_before) = unit.unit_code"
        f" left join ({_FILES}) as file_was on dossier.delivery_before = file_was.delivery_id"
        f" left join ({_FILES}) as file_now on dossier.delivery_after = file_now.delivery_id"
        f" left join core.dossier_version as stated_was on {_states('was', 'before')}"
        f" left join core.dossier_version as stated_now on {_states('now', 'after')}"
        f" left join ({_CLASSES}) as was on dossier.class_before = was.class_at_end"
        f" left join ({_CLASSES}) as now on dossier.class_after = now.class_at_end"
        " where restated_night = :night and period_type = :type and period_basis = :basis"
        f" and period_start = :start and {condition} order by dossier_code limit 200",
        {
            **values,
            "night": period["night"],
            "type": period["period_type"],
            "basis": period["period_basis"],
            "start": period["period_start"],
        },
    )
    channels = _labels(warehouse, "channel", lang)
    return [{**row, "classed": list(_classed_otherwise(row, channels, lang))} for row in rows]


def _classed_otherwise(
    row: Mapping[str, Any], channels: Mapping[str, str], lang: Language
) -> Iterator[tuple[str, str, str]]:
    """What both rows of a dossier state and state differently: its name, before, after."""
    if not (row["delivery_before"] and row["delivery_after"]):
        return
    for column, names in _CLASSED.items():
        stated = [row[f"{column}_{side}"] for side in ("before", "after")]
        is_asked = column != "result_digitised" or row["closed_before"] or row["closed_after"]
        if is_asked and stated[0] != stated[1]:
            before, after = (_stated_text(value, channels, lang) for value in stated)
            yield names[lang], before, after


def _stated_text(value: object, channels: Mapping[str, str], lang: Language) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return {"vi": ("không", "có"), "en": ("no", "yes")}[lang][value]
    return day(value, lang) if isinstance(value, dt.date) else channels.get(str(value), str(value))


def _states(alias: str, side: str) -> str:
    """The condition for the row that stated a restated dossier on that side."""
    return (
        f"dossier.dossier_code = stated_{alias}.dossier_code"
        f" and dossier.delivery_{side} = stated_{alias}.delivery_id"
        f" and dossier.row_{side} is not distinct from stated_{alias}.row_number"
        f" and not stated_{alias}.is_vanished"
    )


_CLASSES = (
    "select class_at_end, max(label_vi) as label_vi, max(label_en) as label_en"
    " from ref.period_class group by class_at_end"
)


def read_publications(warehouse: Warehouse, settings: Settings, visit: Visit) -> dict[str, Any]:
    """The values of ``publications.html``: every publication with its hash, and issued reports.

    Args:
        warehouse: the published marts, open.
        settings: of this installation.
        visit: the request, with ``page``.
    """
    total = int(warehouse.value("select count(*) from audit.publication") or 0)
    page = page_number(visit.query.get("page"), total)
    return {
        "night": find_night(warehouse, None),
        "rows": warehouse.rows(
            "select publication_id, as_of_date, published_at, delivery_count, dossier_count,"
            " computed, figures_sha256 from audit.publication"
            f" order by publication_id desc limit {page.size} offset {page.offset}"
        ),
        "page": page,
        "reports": read_issued_reports(settings),
    }


def read_difference(warehouse: Warehouse, settings: Settings, visit: Visit) -> dict[str, Any]:
    """The values of ``difference.html``: why figures differ between two published nights.

    What one night changed is recorded with its publication; everything else is computed when it
    is asked for.

    Args:
        warehouse: the published marts, open.
        settings: of this installation.
        visit: the request, with ``from``, ``to``, ``unit`` and ``indicator``.

    Raises:
        QuestionError: there is no such night, unit or indicator.
    """
    query, lang = visit.query, visit.lang
    nights = published_nights(warehouse)
    last = nights[-1]
    after = date_of(query.get("to"), last)
    earlier = [night for night in nights if night < after]
    before = date_of(query.get("from"), earlier[-1] if earlier else after)
    unit = find_unit(warehouse, query.get("unit", _CITY))
    values: dict[str, Any] = {
        "night": last,
        "nights": nights[::-1],
        "before": before,
        "after": after,
        "unit_code": unit["unit_code"],
        "unit_name": unit_label(unit["unit_code"], unit["unit_name"], lang),
        "units": read_unit_choices(warehouse, lang),
        "indicators": warehouse.rows(
            f"select indicator_code as code, title_{lang} as title from ref.indicator"
            " where scorecard_method is not null order by position"
        ),
        "indicator": query.get("indicator", ""),
        "figures": [],
        "is_recorded": False,
        "items": [],
        "unchanged": [],
        "reference_changes": [],
    }
    if len(nights) == 1 and not query.get("from"):
        return values
    is_next = bool(earlier) and before == earlier[-1]
    if is_next and not query.get("indicator"):
        values["is_recorded"] = True
        found = FoundUnit(
            unit["unit_code"], unit["unit_name"], unit["unit_level"], unit["unit_scope"]
        )
        difference = recorded_difference(warehouse, before, after, found)
    else:
        difference = compare_nights(
            settings,
            before,
            after,
            unit["unit_code"],
            query.get("indicator") or None,
            most_items=_MOST_ITEMS,
        )
    _add_difference(warehouse, values, difference, lang)
    return values


#: Items of a difference on its page.
_MOST_ITEMS = 200
#: Reference rows on it that differ between the nights.
_MOST_REFERENCE_CHANGES = 20


def _add_difference(
    warehouse: Warehouse, values: dict[str, Any], difference: Difference, lang: Language
) -> None:
    labels = Labels(warehouse)
    values["reference_changes"] = difference.reference_changes[:_MOST_REFERENCE_CHANGES]
    for figure in difference.figures:
        indicator = labels.indicators[figure.indicator_code]
        if not figure.is_changed and not difference.has_items:
            if figure.has_data:
                values["unchanged"].append(indicator[f"title_{lang}"])
            continue
        measure = indicator["unit_of_measure"]
        values["figures"].append(
            {
                "code": figure.indicator_code,
                "title": indicator[f"title_{lang}"],
                "unit_of_measure": measure,
                "previous_night": difference.previous,
                "before": _pair_text(figure.before, measure, figure.verdict_before, lang),
                "after": _pair_text(figure.after, measure, figure.verdict_after, lang),
                "numerator_change": figure.change[0],
                "denominator_change": figure.change[1],
                "causes": [
                    {
                        "cause_code": cause.cause_code,
                        "cause": labels.causes.text(cause.cause_code, f"label_{lang}"),
                        "definition": labels.causes.text(cause.cause_code, f"definition_{lang}"),
                        "item_count": cause.item_count,
                        "numerator_change": cause.numerator_change,
                        "denominator_change": cause.denominator_change,
                    }
                    for cause in figure.causes
                ],
                "item_count": figure.item_count,
                "notes": list(notes_on(figure, measure, labels, lang)),
            }
        )
        values["items"] = [
            {
                "item": item,
                "cause": labels.causes.text(item.cause_code, f"label_{lang}"),
                "before": amounts_text(
                    item.numerator_before, item.denominator_before, measure, lang
                ),
                "after": amounts_text(item.numerator_after, item.denominator_after, measure, lang),
            }
            for item in figure.items
        ]


def _pair_text(
    pair: tuple[int, int] | None, unit_of_measure: str, verdict: Verdict | None, lang: Language
) -> str:
    if pair is None:
        return "–"
    target = verdict.target if verdict else None
    figure = {"numerator": pair[0], "denominator": pair[1], "value": None, "target": target}
    return figure_text(figure, unit_of_measure, lang)
