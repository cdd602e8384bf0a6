"""The difference of two nights as a page for people, as JSON, or as CSV."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import asdict
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TextIO

from onestop.console import page_width, printed, safe_cell
from onestop.figures.difference import FACTS
from onestop.marts.published import open_published
from onestop.schema.number_text import day, measured, whole

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from rich.console import Console

    from onestop.console import OutputFormat
    from onestop.figures.difference import Cause, ChangedItem, Difference, FigureChange
    from onestop.schema.number_text import Language
    from onestop.settings import Settings

_WORDS: dict[str, dict[Language, str]] = {
    "title": {
        "vi": "{unit} · đêm {previous} → {as_of}",
        "en": "{unit} · nights {previous} → {as_of}",
    },
    "span": {"vi": "Kỳ: {first} đến {last}", "en": "Span: {first} to {last}"},
    "year": {"vi": "Kỳ: từ {first} đến mỗi đêm", "en": "Span: from {first} to each night"},
    "by": {"vi": "cách đếm {method}", "en": "method {method}"},
    "nothing": {"vi": "chưa có số liệu", "en": "no data"},
    "same": {"vi": "Không thay đổi: {names}", "en": "Unchanged: {names}"},
    "elsewhere": {
        "vi": "Chỉ có ở một cấp, xem --unit {level}: {names}",
        "en": "Figures of one level, see --unit {level}: {names}",
    },
    "none": {"vi": "Không có gì thay đổi.", "en": "Nothing changed."},
    "cause": {"vi": "Nguyên nhân", "en": "Cause"},
    "count": {"vi": "Số lượng", "en": "Items"},
    "numerator": {"vi": "Tử số", "en": "Numerator"},
    "denominator": {"vi": "Mẫu số", "en": "Denominator"},
    "sum": {"vi": "Cộng", "en": "Sum"},
    "before": {"vi": "Trước", "en": "Before"},
    "after": {"vi": "Sau", "en": "After"},
    "dossier": {"vi": "Hồ sơ", "en": "Dossier"},
    "ticket": {"vi": "Phiếu", "en": "Ticket"},
    "procedure": {"vi": "Thủ tục", "en": "Procedure"},
    "desk": {"vi": "Đơn vị", "en": "Unit"},
    "declaration": {"vi": "Văn bản", "en": "Document"},
    "item": {"vi": "Mã", "en": "Code"},
    "days": {"vi": "Ngày", "en": "Days"},
    "received": {"vi": "nhận", "en": "received"},
    "due": {"vi": "hẹn", "en": "due"},
    "closed": {"vi": "xong", "en": "ended"},
    "more": {
        "vi": "… và {count} nữa; --format csv ghi tất cả, kèm tệp và dòng.",
        "en": "… and {count} more; --format csv lists them all, with file and row.",
    },
    "file": {
        "vi": "Tệp và dòng của từng hồ sơ: --format csv.",
        "en": "File and row of each dossier: --format csv.",
    },
    "items": {
        "vi": "Từng hồ sơ, phiếu, thủ tục: --indicator MÃ.",
        "en": "The dossiers, tickets, procedures behind a cause: --indicator CODE.",
    },
}
#: Items of each cause on the page.
_SHOWN = 50


def print_difference(
    settings: Settings,
    difference: Difference,
    lang: Language = "vi",
    format: OutputFormat = "table",  # noqa: A002 - the name of the command's option
    file: TextIO | None = None,
) -> None:
    """Write the difference of two nights.

    Args:
        settings: of this installation.
        difference: from :func:`onestop.figures.difference.compare_nights`.
        lang: of the page; the machine formats hold both languages.
        format: ``table`` for people, ``json``, or ``csv``: a row for each item, or, without items,
            for each cause.
        file: where to; defaults to standard output.
    """
    file = file or sys.stdout
    labels = _read_labels(settings)
    if format == "json":
        json.dump(_as_json(difference, labels), file, ensure_ascii=False, indent=2, default=str)
        file.write("\n")
    elif format == "csv":
        rows = list(_rows(difference, labels))
        columns = _ITEM_COLUMNS if difference.has_items else _CAUSE_COLUMNS
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: safe_cell(cell) for name, cell in row.items()} for row in rows)
    else:
        with printed(file, page_width(file)) as console:
            _print_page(console, difference, labels, lang)


class _Labels:
    """Titles and labels in both languages."""

    def __init__(self, rows: list[dict[str, Any]], causes: list[dict[str, Any]]) -> None:
        self.indicators = {row["indicator_code"]: row for row in rows}
        self.causes = {row["cause_code"]: row for row in causes}


def _read_labels(settings: Settings) -> _Labels:
    with open_published(settings) as warehouse:
        return _Labels(
            warehouse.rows(
                "select indicator_code, title_vi, title_en, unit_of_measure from ref.indicator"
            ),
            warehouse.rows("select cause_code, label_vi, label_en from ref.change_cause"),
        )


# --- for programs ----------------------------------------------------------------------------

_FIGURE_COLUMNS = ("previous_night", "as_of_date", "unit_code", "indicator_code", "method_code")
_CAUSE_COLUMNS = (
    *_FIGURE_COLUMNS,
    "cause_code",
    "label_vi",
    "label_en",
    "item_count",
    "numerator_change",
    "denominator_change",
)
_ITEM_COLUMNS = (
    *_FIGURE_COLUMNS,
    "cause_code",
    "label_vi",
    "label_en",
    "item_code",
    "numerator_before",
    "denominator_before",
    "numerator_after",
    "denominator_after",
    *(f"{name}_{side}" for name in FACTS for side in ("before", "after")),
    "delivery_id",
    "file_name",
    "row_number",
)


def _rows(difference: Difference, labels: _Labels) -> Iterator[dict[str, Any]]:
    for figure in difference.figures:
        head = {
            "previous_night": difference.previous,
            "as_of_date": difference.as_of,
            "unit_code": difference.unit.unit_code,
            "indicator_code": figure.indicator_code,
            "method_code": figure.method_code,
        }
        listed = {item.cause_code for item in figure.items}
        for item in figure.items:
            yield head | _labelled(asdict(item), labels)
        for cause in figure.causes:
            if cause.cause_code not in listed:
                yield head | _labelled(
                    _as_item(cause) if difference.has_items else asdict(cause), labels
                )


def _as_item(cause: Cause) -> dict[str, Any]:
    """A cause without items as one row: its change as the change from nothing."""
    return {
        "cause_code": cause.cause_code,
        "item_code": "",
        "numerator_before": 0,
        "denominator_before": 0,
        "numerator_after": cause.numerator_change,
        "denominator_after": cause.denominator_change,
    }


def _labelled(row: dict[str, Any], labels: _Labels) -> dict[str, Any]:
    facts = row.pop("facts", {})
    label = labels.causes[row["cause_code"]]
    return {**row, **facts, "label_vi": label["label_vi"], "label_en": label["label_en"]}


def _as_json(difference: Difference, labels: _Labels) -> dict[str, Any]:
    return {
        "previous_night": difference.previous,
        "as_of_date": difference.as_of,
        "unit_code": difference.unit.unit_code,
        "unit_name": difference.unit.name,
        "first": difference.first,
        "last": difference.last,
        "figures": [
            {
                "indicator_code": figure.indicator_code,
                "method_code": figure.method_code,
                "before": figure.before,
                "after": figure.after,
                "numerator_change": figure.change[0],
                "denominator_change": figure.change[1],
                "causes": [_labelled(asdict(cause), labels) for cause in figure.causes],
                "items": [_labelled(asdict(item), labels) for item in figure.items],
            }
            for figure in difference.figures
        ],
    }


# --- for people ------------------------------------------------------------------------------


def _print_page(console: Console, difference: Difference, labels: _Labels, lang: Language) -> None:
    def word(name: str, **values: str) -> str:
        return _WORDS[name][lang].format(**values)

    nights = {
        "previous": day(difference.previous, lang),
        "as_of": day(difference.as_of, lang),
    }
    first, last = day(difference.first, lang), day(difference.last, lang)
    console.print()
    console.print(word("title", unit=difference.unit.name, **nights), style="bold")
    is_year = difference.last == difference.as_of
    console.print(word("year", first=first) if is_year else word("span", first=first, last=last))
    moved = [figure for figure in difference.figures if figure.causes]
    for figure in moved:
        _print_figure(console, figure, labels, lang)
    same = [figure for figure in difference.figures if not figure.causes]
    if same and moved:
        names = ", ".join(figure.indicator_code for figure in same)
        console.print(word("same", names=names))
    elif same:
        console.print(word("none"))
    for level, listed in groupby(difference.elsewhere, key=itemgetter(1)):
        names = ", ".join(code for code, _ in listed)
        console.print(word("elsewhere", level=level.upper(), names=names))
    if moved and not difference.has_items and not any(figure.items for figure in moved):
        console.print(word("items"))
    elif any(figure.item_name == "dossier" for figure in moved):
        console.print(word("file"))


def _print_figure(console: Console, figure: FigureChange, labels: _Labels, lang: Language) -> None:
    from rich import box  # noqa: PLC0415 - the machine formats do without it
    from rich.table import Table  # noqa: PLC0415 - idem

    indicator = labels.indicators[figure.indicator_code]
    console.print()
    console.print(
        f"{indicator[f'title_{lang}']} ({figure.indicator_code},"
        f" {_WORDS['by'][lang].format(method=figure.method_code)})",
        style="bold",
    )
    if figure.before is not None and figure.after is not None:
        unit = indicator["unit_of_measure"]
        console.print(
            f"{_figure_text(figure.before, unit, lang)} → {_figure_text(figure.after, unit, lang)}"
        )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_footer=len(figure.causes) > 1)
    table.add_column(_WORDS["cause"][lang], footer=_WORDS["sum"][lang], ratio=1)
    table.add_column(_WORDS["count"][lang], justify="right")
    for name, change in zip(("numerator", "denominator"), figure.change, strict=True):
        table.add_column(_WORDS[name][lang], justify="right", footer=_signed(change, lang))
    for cause in figure.causes:
        table.add_row(
            labels.causes[cause.cause_code][f"label_{lang}"],
            "" if cause.item_count is None else whole(cause.item_count, lang),
            _signed(cause.numerator_change, lang),
            _signed(cause.denominator_change, lang),
        )
    console.print(table)
    for cause in figure.causes:
        _print_items(console, figure, cause, labels, lang)


def _print_items(
    console: Console, figure: FigureChange, cause: Cause, labels: _Labels, lang: Language
) -> None:
    from rich import box  # noqa: PLC0415 - the machine formats do without it
    from rich.table import Table  # noqa: PLC0415 - idem
    from rich.text import Text  # noqa: PLC0415 - idem

    items = [item for item in figure.items if item.cause_code == cause.cause_code]
    if not items:
        return
    label = labels.causes[cause.cause_code][f"label_{lang}"]
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        title=f"{label}: {whole(len(items), lang)}",
        title_justify="left",
        title_style="bold",
    )
    table.add_column(_WORDS[figure.item_name][lang], overflow="fold")
    table.add_column(_WORDS["before"][lang], justify="right", no_wrap=True)
    table.add_column(_WORDS["after"][lang], justify="right", no_wrap=True)
    has_facts = any(item.facts for item in items)
    if has_facts:
        table.add_column(_WORDS["days"][lang], ratio=1)
    for item in items[:_SHOWN]:
        cells = [
            Text(item.item_code),
            Text(f"{item.numerator_before}/{item.denominator_before}"),
            Text(f"{item.numerator_after}/{item.denominator_after}"),
        ]
        table.add_row(*cells, *([Text(_facts_text(item, lang))] if has_facts else []))
    console.print(table)
    if len(items) > _SHOWN:
        console.print(_WORDS["more"][lang].format(count=whole(len(items) - _SHOWN, lang)))


def _facts_text(item: ChangedItem, lang: Language) -> str:
    """The days of a dossier; those that changed with both."""
    parts = []
    for name in FACTS:
        before, after = item.facts[f"{name}_before"], item.facts[f"{name}_after"]
        if before is None and after is None:
            continue
        shown = _day(after, lang)
        if before != after and before is not None:
            shown = f"{_day(before, lang)} → {shown}"
        parts.append(f"{_WORDS[name][lang]} {shown}")
    return ", ".join(parts)


def _day(date: dt.date | None, lang: Language) -> str:
    return "—" if date is None else day(date, lang)


def _signed(number: int, lang: Language) -> str:
    if not number:
        return "0"
    return ("+" if number > 0 else "−") + whole(abs(number), lang)


def _figure_text(counts: tuple[int, int], unit_of_measure: str, lang: Language) -> str:
    numerator, denominator = counts
    if not denominator:
        return _WORDS["nothing"][lang]
    value = measured(numerator, denominator, None, unit_of_measure, lang)
    return f"{whole(numerator, lang)}/{whole(denominator, lang)} = {value}"
