"""The nation's scorecard and lists, on the terminal and for programs."""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING, Any, Literal, TextIO

from onestop.console import page_width, printed, write_csv, write_json
from onestop.federation.national_warehouse import nothing_national, open_national_figures
from onestop.marts.published import NothingPublishedError, near_nights_text
from onestop.said import said
from onestop.schema.number_text import ROUNDING, day, measured, moment_text, whole
from onestop.schema.reference import read_reference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onestop.console import OutputFormat
    from onestop.schema.number_text import Language
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

#: What `onestop nation` can list.
NationalList = Literal["scorecard", "publications", "provinces", "packages", "restated"]

_NATION = "NATION"
_WORDS: dict[str, dict[Language, str]] = {
    "title": {
        "vi": "Cả nước, số liệu đến hết ngày {night}, lần công bố {number}",
        "en": "The nation, data as of the end of {night}, publication {number}",
    },
    "coverage": {
        "vi": "Có {are_in} trên {total} tỉnh: {ahead} tỉnh đã gửi đêm sau, {late} tỉnh chậm,"
        " {missing} tỉnh thiếu",
        "en": "{are_in} of {total} provinces are in: {ahead} sent a later night, {late} are late,"
        " {missing} are missing",
    },
    "late": {"vi": "chậm, số liệu đến {night}", "en": "late, data as of {night}"},
    "missing": {"vi": "chưa có gói số liệu nào", "en": "no package so far"},
    "no_data": {"vi": "chưa có", "en": "no data"},
    "sums": {
        "vi": "Các số là tổng số nguyên của các tỉnh; tỷ lệ và thời gian chờ tính từ tổng."
        " {rounding} “Đạt”: số tỉnh đạt mục tiêu của mình trên số tỉnh có mục tiêu; dòng dưới là ít"
        " nhất và nhiều nhất bao nhiêu tỉnh đạt, vì có tỉnh mà đánh giá tùy cách đọc, tỉnh chậm"
        " hoặc thiếu. Không có dòng dưới: con số chắc chắn.",
        "en": "The figures are sums of the provinces' integers; rates and waits come from the sums."
        " {rounding} “Met”: provinces that meet their own target, of those with one;"
        " below it how many meet it at least and at most, because the verdicts of some depend on"
        " the reading, or provinces are late or missing. Without a second line it is firm.",
    },
    "depending": {
        "vi": "{title}: đánh giá của {count} tỉnh tùy cách đọc",
        "en": "{title}: the verdict of {count} provinces depends on the reading",
    },
}
_HEADERS: dict[Language, tuple[str, ...]] = {
    "vi": ("Chỉ tiêu", "Cả nước", "Sở, ngành", "Cấp huyện", "Cấp xã", "Tỉnh", "Đạt"),
    "en": (
        "Indicator",
        "Nation",
        "Depart.",
        "Districts",
        "Communes",
        "Prov.",
        "Met",
    ),
}
#: The query of each list, and the columns of its table, which has fewer than the machine formats.
_LISTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "publications": (
        (
            "select publication_id, as_of_date, published_at, provinces_in, provinces_ahead,"
            " provinces_late, provinces_missing, provinces_total from national.publication"
            " order by publication_id desc"
        ),
        (
            "publication_id",
            "night",
            "published_at",
            "provinces_in",
            "provinces_ahead",
            "provinces_late",
            "provinces_missing",
        ),
    ),
    "provinces": (
        (
            "select province.province_code, name_vi, name_en, coverage_state,"
            " province_as_of_date, package_id from national.coverage as coverage"
            " inner join national.province as province"
            " on coverage.province_code = province.province_code"
            " where publication_id = :publication order by province.province_code"
        ),
        ("province_code", "name", "coverage_state", "province_as_of_date", "package_id"),
    ),
    "packages": (
        (
            "select package_id, package_place, province_code, province_as_of_date, package_state,"
            " refusal_code, reason_vi, reason_en, times_received, last_received_at,"
            " replaces_package_id, file_sha256 from national.package order by package_id desc"
        ),
        (
            "package_id",
            "package_place",
            "province_code",
            "province_as_of_date",
            "package_state",
            "refusal_code",
            "reason",
            "times_received",
        ),
    ),
    "restated": (
        (
            "select province_code, previous_night, as_of_date, indicator_code, method_code,"
            " unit_code, period_type, period_basis, period_start, numerator_before,"
            " denominator_before, numerator_after, denominator_after, package_id"
            " from national.restatement"
            " order by package_id desc, indicator_code, method_code, unit_code, period_type,"
            " period_basis, period_start"
        ),
        (
            "province_code",
            "previous_night",
            "as_of_date",
            "indicator_code",
            "method_code",
            "unit_code",
            "period",
            "before",
            "after",
        ),
    ),
}
_HEADINGS: dict[str, dict[Language, str]] = {
    "after": {"vi": "Sau", "en": "After"},
    "as_of_date": {"vi": "Đêm sau", "en": "Later night"},
    "before": {"vi": "Trước", "en": "Before"},
    "coverage_state": {"vi": "Tình trạng", "en": "State"},
    "indicator_code": {"vi": "Chỉ tiêu", "en": "Indicator"},
    "method_code": {"vi": "Cách tính", "en": "Method"},
    "name": {"vi": "Tên", "en": "Name"},
    "night": {"vi": "Đêm", "en": "Night"},
    "package_id": {"vi": "Gói số", "en": "Package"},
    "package_place": {"vi": "Tệp", "en": "File"},
    "package_state": {"vi": "Tình trạng", "en": "State"},
    "period": {"vi": "Kỳ", "en": "Period"},
    "previous_night": {"vi": "Đêm trước", "en": "Earlier night"},
    "province_as_of_date": {"vi": "Đêm", "en": "Night"},
    "province_code": {"vi": "Tỉnh", "en": "Province"},
    "provinces_ahead": {"vi": "Đêm sau", "en": "Later night"},
    "provinces_in": {"vi": "Đã có", "en": "In"},
    "provinces_late": {"vi": "Chậm", "en": "Late"},
    "provinces_missing": {"vi": "Thiếu", "en": "Missing"},
    "publication_id": {"vi": "Lần công bố", "en": "Publication"},
    "published_at": {"vi": "Lúc", "en": "At"},
    "reason": {"vi": "Lý do", "en": "Reason"},
    "refusal_code": {"vi": "Mã", "en": "Code"},
    "times_received": {"vi": "Số lần nhận", "en": "Received"},
    "unit_code": {"vi": "Cấp", "en": "Level"},
}
_STATES: dict[str, dict[Language, str]] = {
    "in": {"vi": "đã có", "en": "in"},
    "ahead": {"vi": "đêm sau", "en": "later night"},
    "late": {"vi": "chậm", "en": "late"},
    "missing": {"vi": "thiếu", "en": "missing"},
    "in_force": {"vi": "đang dùng", "en": "in force"},
    "replaced": {"vi": "đã được thay", "en": "replaced"},
    "refused": {"vi": "bị từ chối", "en": "refused"},
    "repeated": {"vi": "trùng", "en": "repeated"},
}


def print_nation(
    settings: Settings,
    lang: Language = "vi",
    night: dt.date | None = None,
    form: OutputFormat = "table",
    what: NationalList = "scorecard",
    file: TextIO | None = None,
) -> None:
    """Write the nation's scorecard, or a list behind it.

    Args:
        settings: of the national installation.
        lang: of the table; the machine formats hold both languages.
        night: a published night of the nation; defaults to the last publication.
        form: ``table`` for people, ``json`` or ``csv`` for programs.
        what: the scorecard, all publications, the provinces of one, all packages, or what was
            restated.
        file: where to; defaults to standard output.

    Raises:
        NothingPublishedError: that night is not published, or nothing is.
    """
    file = file or sys.stdout
    with open_national_figures(settings) as warehouse:
        if what in ("publications", "packages", "restated"):
            _write(warehouse.rows(_LISTS[what][0]), what, lang, form, file)
            return
        publication = _publication(warehouse, night)
        provinces = warehouse.rows(
            _LISTS["provinces"][0], {"publication": publication["publication_id"]}
        )
        if what == "provinces":
            _write(provinces, what, lang, form, file)
            return
        lines = _lines(warehouse, publication)
    if form == "json":
        write_json(file, {**publication, "lines": lines, "provinces": provinces})
    elif form == "csv":
        _write_rows(lines, file)
    else:
        _print_table(publication, lines, provinces, lang, file)


def _publication(warehouse: Warehouse, night: dt.date | None) -> dict[str, Any]:
    found = warehouse.rows(
        "select publication_id, as_of_date, published_at, provinces_total, provinces_in,"
        " provinces_ahead, provinces_late, provinces_missing from national.publication"
        " order by publication_id"
    )
    if not found:
        raise nothing_national()
    if night is None:
        return found[-1]
    of_night = [row for row in found if row["as_of_date"] == night]
    if not of_night:
        nights = sorted({row["as_of_date"] for row in found})
        raise NothingPublishedError(
            said("the nation's night {night} is not published", night=night),
            remedy=near_nights_text(nights, night),
        )
    return of_night[-1]


def _lines(warehouse: Warehouse, publication: dict[str, Any]) -> list[dict[str, Any]]:
    """Each indicator by nation and level, for the calendar year up to the night."""
    rows = warehouse.rows(
        "select indicator.position, indicator.indicator_code, indicator.title_vi,"
        " indicator.title_en, indicator.unit_of_measure, figure.unit_code, figure.method_code,"
        " figure.adds_up, figure.numerator, figure.denominator, figure.value,"
        " figure.provinces_counted, figure.provinces_met, figure.provinces_not_met,"
        " figure.met_at_least, figure.met_at_most, figure.provinces_depending,"
        " figure.provinces_provisional, figure.provinces_with_issues, figure.oldest_as_of_date,"
        " indicator.reason_vi, indicator.reason_en"
        " from national.indicator as indicator left join national.indicator_value as figure"
        " on indicator.indicator_code = figure.indicator_code"
        " and indicator.scorecard_method = figure.method_code"
        " and figure.publication_id = :publication and figure.period_type = 'year_to_date'"
        " and figure.period_basis = 'calendar' and figure.period_start = :first"
        " order by indicator.position, figure.unit_code",
        {
            "publication": publication["publication_id"],
            "first": publication["as_of_date"].replace(month=1, day=1),
        },
    )
    for row in rows:
        row.update(
            unit_code=row["unit_code"] or _NATION,
            adds_up=bool(row["adds_up"]),
            as_of_date=publication["as_of_date"],
            publication_id=publication["publication_id"],
        )
    return rows


def _print_table(
    publication: dict[str, Any],
    lines: Sequence[dict[str, Any]],
    provinces: Sequence[dict[str, Any]],
    lang: Language,
    file: TextIO,
) -> None:
    from rich import box  # noqa: PLC0415 - the machine formats do without it
    from rich.table import Table  # noqa: PLC0415 - idem

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    widths = (page_width(file) - _NUMBERS, *_WIDTHS)
    for place, header in enumerate(_HEADERS[lang]):
        side: Literal["left", "right"] = "right" if place else "left"
        table.add_column(header, justify=side, overflow="fold", width=widths[place])
    levels = [str(row["unit_code"]) for row in read_reference()["unit_level"]]
    notes: list[str] = []
    depending: list[tuple[str, int]] = []
    by_indicator: dict[str, dict[str, dict[str, Any]]] = {}
    for line in lines:
        by_indicator.setdefault(line["indicator_code"], {})[line["unit_code"]] = line
    for figures in by_indicator.values():
        first = figures.get(_NATION) or next(iter(figures.values()))
        cells = [
            _figure(figures.get(code), notes, lang)
            for code in (_NATION, *(level for level in levels if level not in _NOT_SHOWN))
        ]
        counted = max((line["provinces_counted"] or 0 for line in figures.values()), default=0)
        if first["provinces_depending"]:
            depending.append((first[f"title_{lang}"], first["provinces_depending"]))
        table.add_row(
            str(first[f"title_{lang}"]),
            *cells,
            whole(counted, lang) if counted else "",
            _verdicts(first),
        )
    with printed(file, page_width(file)) as console:
        console.print(
            _WORDS["title"][lang].format(
                night=day(publication["as_of_date"], lang), number=publication["publication_id"]
            )
        )
        console.print(
            _WORDS["coverage"][lang].format(
                are_in=publication["provinces_in"] + publication["provinces_ahead"],
                total=publication["provinces_total"],
                ahead=publication["provinces_ahead"],
                late=publication["provinces_late"],
                missing=publication["provinces_missing"],
            )
        )
        for province in provinces:
            if province["coverage_state"] in ("late", "missing"):
                held = province["province_as_of_date"]
                state = _WORDS[province["coverage_state"]][lang].format(
                    night=day(held, lang) if held else ""
                )
                name = province[f"name_{lang}"]
                console.print(f"  {province['province_code']} {name}: {state}")
        console.print(table)
        for number, note in enumerate(notes, start=1):
            console.print(f"({number}) {note}")
        for title, count in depending:
            console.print(_WORDS["depending"][lang].format(title=title, count=count))
        console.print(_WORDS["sums"][lang].format(rounding=ROUNDING[lang]))


#: Width of the columns after the title, and of all of them with the room between them.
_WIDTHS = (9, 9, 9, 9, 5, 5)
_NUMBERS = sum(_WIDTHS) + 3 * len(_WIDTHS) + 2
_NOT_SHOWN = {"CITY", "UNREGISTERED"}


def _verdicts(line: dict[str, Any]) -> str:
    """How many provinces meet their target, and below it how firm that is."""
    met, not_met = line["provinces_met"] or 0, line["provinces_not_met"] or 0
    if not met + not_met:
        return ""
    fewest, most = line["met_at_least"], line["met_at_most"]
    if fewest is None:  # published by an earlier release
        return f"{met}/{met + not_met}\n?"
    firmness = "" if fewest == most else f"\n{fewest}–{most}"
    return f"{met}/{met + not_met}{firmness}"


def _figure(line: dict[str, Any] | None, notes: list[str], lang: Language) -> str:
    """The cell of a figure; why one is not added up becomes a note below the table."""
    if line is None:
        return ""
    why = line[f"reason_{lang}"]
    if not line["adds_up"] and why:
        if line["unit_code"] != _NATION:
            return ""
        if why not in notes:
            notes.append(why)
        return f"— ({notes.index(why) + 1})"
    shown = measured(line["numerator"], line["denominator"], None, line["unit_of_measure"], lang)
    return shown or _WORDS["no_data"][lang]


def _write(
    rows: list[dict[str, Any]],
    what: str,
    lang: Language,
    form: OutputFormat,
    file: TextIO,
) -> None:
    """Write a list."""
    if form == "json":
        write_json(file, rows)
        return
    if form == "csv":
        _write_rows(rows, file)
        return
    from rich import box  # noqa: PLC0415 - the machine formats do without it
    from rich.table import Table  # noqa: PLC0415 - idem

    columns = _LISTS[what][1]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(_HEADINGS[name][lang], overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row, name, lang) for name in columns))
    with printed(file, page_width(file)) as console:
        console.print(table)


def _write_rows(rows: list[dict[str, Any]], file: TextIO) -> None:
    write_csv(file, list(rows[0]) if rows else [], (row.values() for row in rows))


def _cell(row: dict[str, Any], name: str, lang: Language) -> str:
    if name == "period":
        return f"{row['period_type']} {day(row['period_start'], lang)}"
    if name in ("before", "after"):
        counts = (row[f"numerator_{name}"], row[f"denominator_{name}"])
        return " / ".join("—" if count is None else whole(count, lang) for count in counts)
    if name in ("coverage_state", "package_state"):
        return _STATES[row[name]][lang]
    if name == "night":
        name = "as_of_date"  # elsewhere the later one of two
    value = row.get(name, row.get(f"{name}_{lang}"))
    if isinstance(value, dt.datetime):
        return moment_text(value, lang)
    if isinstance(value, dt.date):
        return day(value, lang)
    return "" if value is None else str(value)
