"""The difference of two nights as a page for people, as JSON, or as CSV."""

from __future__ import annotations

import datetime as dt
import json
import sys
from dataclasses import asdict, dataclass
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, TextIO

from onestop.console import page_width, printed, write_csv
from onestop.figures.code_texts import CodeTexts
from onestop.figures.difference import FACTS, Verdict
from onestop.figures.unit_names import unit_label
from onestop.marts.night_changes import RULE_CHANGED
from onestop.marts.published import open_published
from onestop.schema.number_text import (
    amounts_text,
    counted,
    day,
    measured,
    signed,
    target_text,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rich.console import Console

    from onestop.console import OutputFormat
    from onestop.figures.difference import Cause, ChangedItem, Difference, FigureChange
    from onestop.figures.known_issues import KnownIssue
    from onestop.schema.number_text import Language
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

_WORDS: dict[str, dict[Language, str]] = {
    "title": {
        "vi": "{unit} · đêm {previous} → {as_of}",
        "en": "{unit} · nights {previous} → {as_of}",
    },
    "span": {"vi": "Kỳ: {first} đến {last}", "en": "Span: {first} to {last}"},
    "year": {"vi": "Kỳ: từ {first} đến mỗi đêm", "en": "Span: from {first} to each night"},
    "plan_year": {
        "vi": "Năm đó đã hết. Từ đầu năm nay: --from {first}",
        "en": "That year is over. The year so far: --from {first}",
    },
    "unchanged": {"vi": "không đổi", "en": "unchanged"},
    "unknown": {
        "vi": "Kỳ này không có số công bố; onestop explain đếm từng hồ sơ của kỳ.",
        "en": "No figure is published for this span; onestop explain counts its items.",
    },
    "target": {"vi": "Mục tiêu: {change}", "en": "Target: {change}"},
    "no_target": {"vi": "không có", "en": "none"},
    "verdict": {"vi": "Đánh giá: {change}", "en": "Verdict: {change}"},
    "firmness": {"vi": "Theo các cách đọc: {change}", "en": "By the readings: {change}"},
    "issue": {"vi": "Lỗi dữ liệu đã biết: {issue}", "en": "Known issue: {issue}"},
    "new_issue": {"vi": "Lỗi dữ liệu mới biết: {issue}", "en": "New known issue: {issue}"},
    "gone_issue": {
        "vi": "Không còn là lỗi dữ liệu đã biết: {issue}",
        "en": "No longer a known issue: {issue}",
    },
    "by": {"vi": "cách đếm {method}", "en": "method {method}"},
    "nothing": {"vi": "chưa có số liệu", "en": "no data"},
    "same": {"vi": "Không thay đổi: {names}", "en": "Unchanged: {names}"},
    "elsewhere": {
        "vi": "Chỉ có ở một cấp, xem --unit {level}: {names}",
        "en": "Figures of one level, see --unit {level}: {names}",
    },
    "none": {"vi": "Không có gì thay đổi.", "en": "Nothing changed."},
    "rows_changed": {
        "vi": "Dòng tham chiếu khác nhau giữa hai đêm (sql/reference):",
        "en": "Reference rows that differ between the nights (sql/reference):",
    },
    "more_rows": {"vi": "… và {count} dòng nữa", "en": "… and {count}"},
    "name_items": {
        "vi": "Hồ sơ mà quy tắc mới đếm khác: --indicator MÃ.",
        "en": "The dossiers that the changed rules count otherwise: --indicator CODE.",
    },
    "not_named": {
        "vi": "“{cause}”: không nêu được từng hồ sơ, vì câu lệnh tính của đêm trước không được giữ"
        " lại. Từng hồ sơ theo câu lệnh hiện nay: onestop explain {code} --unit {unit}"
        " --from {first} --to {last}",
        "en": "'{cause}': the dossiers cannot be named, since the SELECTs of the earlier night are"
        " not kept. Each dossier by the present SELECTs: onestop explain {code} --unit {unit}"
        " --from {first} --to {last}",
    },
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
_ONE_DAY = dt.timedelta(days=1)
#: Items of each cause on the page.
_SHOWN = 50
#: Reference rows that differ, on the page.
_SHOWN_ROWS = 10


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
        columns = _ITEM_COLUMNS if difference.has_items else _CAUSE_COLUMNS
        rows = list(_rows(difference, labels))
        write_csv(file, columns, ([row.get(name) for name in columns] for row in rows))
    else:
        with printed(file, page_width(file)) as console:
            _print_page(console, difference, labels, lang)


class Labels:
    """Titles and labels in both languages, by code."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.indicators = CodeTexts(
            "indicator",
            "indicator_code",
            warehouse.rows(
                "select indicator_code, title_vi, title_en, unit_of_measure from ref.indicator"
            ),
        )
        self.causes, self.statuses, self.firmnesses, self.readings = (
            CodeTexts(
                table,
                code,
                warehouse.rows(f"select * from ref.{table}")
                if table in warehouse.tables("ref")
                else [],
            )
            for table, code in (
                ("change_cause", "cause_code"),
                ("figure_status", "status"),
                ("firmness", "firmness"),
                ("reading", "reading_code"),
            )
        )


def _read_labels(settings: Settings) -> Labels:
    with open_published(settings) as warehouse:
        return Labels(warehouse)


# --- for programs ----------------------------------------------------------------------------

_BESIDE_COLUMNS = ("target", "comparison", "status", "firmness", "turned_by", "known_issues")
_FIGURE_COLUMNS = (
    "previous_night",
    "as_of_date",
    "unit_code",
    "indicator_code",
    "method_code",
    "first",
    "last",
)
_CAUSE_AMOUNTS = ("item_count", "numerator_change", "denominator_change")
_ITEM_AMOUNTS = (
    "numerator_before",
    "denominator_before",
    "numerator_after",
    "denominator_after",
)
_CAUSE_COLUMNS = (
    *_FIGURE_COLUMNS,
    "cause_code",
    "label_vi",
    "label_en",
    *_CAUSE_AMOUNTS,
    *(f"{name}_{side}" for name in _BESIDE_COLUMNS for side in ("before", "after")),
)
_ITEM_COLUMNS = (
    *_FIGURE_COLUMNS,
    "cause_code",
    "label_vi",
    "label_en",
    "item_code",
    *_ITEM_AMOUNTS,
    *(f"{name}_{side}" for name in FACTS for side in ("before", "after")),
    "delivery_id",
    "file_name",
    "row_number",
    *(f"{name}_{side}" for name in _BESIDE_COLUMNS for side in ("before", "after")),
)


def _rows(difference: Difference, labels: Labels) -> Iterator[dict[str, Any]]:
    """A row for each item or cause; one without a cause for a figure that did not move.

    Of the figures that did not change at all, only the one that was asked for has a row.
    """
    for figure in difference.figures:
        head = {
            "previous_night": difference.previous,
            "as_of_date": difference.as_of,
            "unit_code": difference.unit.unit_code,
            "indicator_code": figure.indicator_code,
            "method_code": figure.method_code,
            "first": figure.first,
            "last": figure.last,
            **_beside(figure),
        }
        if not figure.causes and (figure.is_changed or difference.has_items):
            amounts = _ITEM_AMOUNTS if difference.has_items else _CAUSE_AMOUNTS
            yield head | dict.fromkeys(amounts, 0)
        for item in figure.items:
            yield head | _labelled(asdict(item), labels)
        for cause in figure.causes:
            if cause.item_count is None or not difference.has_items:
                yield head | _labelled(
                    _as_item(cause) if difference.has_items else asdict(cause), labels
                )


def _beside(figure: FigureChange) -> dict[str, Any]:
    """Target, verdict and known issues of both nights."""
    found: dict[str, Any] = {}
    for side, verdict, issues in (
        ("before", figure.verdict_before, figure.issues_before),
        ("after", figure.verdict_after, figure.issues_after),
    ):
        cells = asdict(verdict or Verdict())
        cells["known_issues"] = " ".join(issue.issue_code for issue in issues) or None
        found |= {f"{name}_{side}": cells[name] for name in _BESIDE_COLUMNS}
    return found


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


def _labelled(row: dict[str, Any], labels: Labels) -> dict[str, Any]:
    facts = row.pop("facts", {})
    label = labels.causes[row["cause_code"]]
    return {**row, **facts, "label_vi": label["label_vi"], "label_en": label["label_en"]}


def _as_json(difference: Difference, labels: Labels) -> dict[str, Any]:
    return {
        "previous_night": difference.previous,
        "as_of_date": difference.as_of,
        "unit_code": difference.unit.unit_code,
        "unit_name": difference.unit.name,
        "reference_changes": [asdict(change) for change in difference.reference_changes],
        "figures": [
            {
                "indicator_code": figure.indicator_code,
                "method_code": figure.method_code,
                "first": figure.first,
                "last": figure.last,
                "before": figure.before,
                "after": figure.after,
                "numerator_change": figure.change[0],
                "denominator_change": figure.change[1],
                **_beside(figure),
                "known_issues": [asdict(issue) for issue in figure.issues_after],
                "causes": [_labelled(asdict(cause), labels) for cause in figure.causes],
                "items": [_labelled(asdict(item), labels) for item in figure.items],
            }
            for figure in difference.figures
        ],
    }


# --- for people ------------------------------------------------------------------------------


def _word(name: str, lang: Language, **values: str) -> str:
    return _WORDS[name][lang].format(**values)


def _print_page(console: Console, difference: Difference, labels: Labels, lang: Language) -> None:
    nights = {
        "previous": day(difference.previous, lang),
        "as_of": day(difference.as_of, lang),
    }
    unit = unit_label(difference.unit.unit_code, difference.unit.name, lang)
    console.print()
    console.print(_word("title", lang, unit=unit, **nights), style="bold")
    shown = [figure for figure in difference.figures if figure.is_changed or difference.has_items]
    for (first, last), of_span in groupby(difference.figures, key=attrgetter("first", "last")):
        _print_span(console, difference, (first, last), lang)
        for figure in of_span:
            if figure in shown:
                _print_figure(console, figure, labels, lang)
    same = [figure for figure in difference.figures if figure not in shown]
    if not shown:
        console.print(_word("none", lang))
    else:
        with_data = [figure.indicator_code for figure in same if figure.has_data]
        if with_data:
            console.print(_word("same", lang, names=_named(with_data, labels, lang)))
    _print_footnotes(console, same, lang)
    elsewhere = () if difference.has_items else difference.elsewhere
    for level, listed in groupby(elsewhere, key=itemgetter(1)):
        names = _named([code for code, _ in listed], labels, lang)
        console.print(_word("elsewhere", lang, level=level.upper(), names=names))
    if not difference.has_items and any(figure.causes for figure in shown):
        console.print(_word("items", lang))
    elif any(figure.item_name == "dossier" and figure.items for figure in shown):
        console.print(_word("file", lang))
    _print_rules(console, difference, labels, lang)


def _named(codes: Iterable[str], labels: Labels, lang: Language) -> str:
    """Indicators by name, with the code that options take."""
    return "; ".join(f"{labels.indicators[code][f'title_{lang}']} ({code})" for code in codes)


def _print_span(
    console: Console, difference: Difference, span: tuple[dt.date, dt.date], lang: Language
) -> None:
    first, last = span
    days = {"first": day(first, lang), "last": day(last, lang)}
    console.print(_word("year" if last == difference.as_of else "span", lang, **days))
    year = difference.as_of.replace(month=1, day=1)
    if (first.month, first.day, last) == (1, 1, year - _ONE_DAY):
        console.print(_word("plan_year", lang, first=str(year)))


def _print_footnotes(console: Console, figures: list[FigureChange], lang: Language) -> None:
    """Print the known issues of figures that are only listed."""
    footnotes: dict[KnownIssue, list[str]] = {}
    for figure in figures:
        for issue in figure.issues_after:
            footnotes.setdefault(issue, []).append(figure.indicator_code)
    for issue, codes in footnotes.items():
        text = _word("issue", lang, issue=_footnote(issue, lang))
        console.print(f"{text} ({', '.join(codes)})", style="yellow")


def _print_rules(console: Console, difference: Difference, labels: Labels, lang: Language) -> None:
    """Print which rules differ between the nights, where they move a figure."""
    by_rules = [
        (figure, cause)
        for figure in difference.figures
        for cause in figure.causes
        if cause.cause_code == RULE_CHANGED
    ]
    if not by_rules:
        return
    if changes := difference.reference_changes:
        console.print(_WORDS["rows_changed"][lang])
        for change in changes[:_SHOWN_ROWS]:
            console.print(f"  {change.in_language(lang)}")
        if (left := len(changes) - _SHOWN_ROWS) > 0:
            count = counted(left, "more row", "more rows") if lang == "en" else whole(left, lang)
            console.print(_WORDS["more_rows"][lang].format(count=count))
        if not difference.has_items:
            console.print(_WORDS["name_items"][lang])
            return
    for figure, cause in by_rules:
        if cause.item_count is None:
            text = _WORDS["not_named"][lang].format(
                cause=labels.causes[RULE_CHANGED][f"label_{lang}"],
                code=figure.indicator_code,
                unit=difference.unit.unit_code,
                first=figure.first,
                last=figure.last,
            )
            console.print(text)


def _print_figure(console: Console, figure: FigureChange, labels: Labels, lang: Language) -> None:
    indicator = labels.indicators[figure.indicator_code]
    unit = indicator["unit_of_measure"]
    console.print()
    console.print(
        f"{indicator[f'title_{lang}']} ({figure.indicator_code},"
        f" {_WORDS['by'][lang].format(method=figure.method_code)})",
        style="bold",
    )
    if figure.before is not None and figure.after is not None:
        before = _figure_text(figure.before, unit, figure.verdict_before, lang)
        after = _figure_text(figure.after, unit, figure.verdict_after, lang)
        same = f"{after}, {_WORDS['unchanged'][lang]}"
        console.print(f"{before} → {after}" if figure.causes else same)
    elif not figure.causes:
        console.print(_WORDS["unchanged"][lang])
    if figure.before is None:
        console.print(_WORDS["unknown"][lang])
    for note in notes_on(figure, unit, labels, lang):
        console.print(note.text, style="yellow" if note.is_issue else None)
    if figure.causes:
        _print_causes(console, figure, labels, lang)


@dataclass(frozen=True)
class Note:
    """A sentence beside the change of a figure.

    Attributes:
        text: for people.
        is_issue: whether it is about a known issue of the data.
        is_change: whether it differs between the two nights.
    """

    text: str
    is_issue: bool = False
    is_change: bool = False


def notes_on(
    figure: FigureChange, unit_of_measure: str, labels: Labels, lang: Language
) -> Iterator[Note]:
    """Target, verdict and firmness on both nights, and the known issues of the data.

    Args:
        figure: the change.
        unit_of_measure: of the indicator.
        labels: of the codes.
        lang: of the texts.
    """
    for name, was, now in _verdict_texts(figure, unit_of_measure, labels, lang):
        is_change = was not in {now, None}
        change = f"{was} → {now}" if is_change else now
        yield Note(_WORDS[name][lang].format(change=change), is_change=is_change)
    for name, issue in _issues(figure):
        text = _WORDS[name][lang].format(issue=_footnote(issue, lang))
        yield Note(text, is_issue=True, is_change=name != "issue")


def _verdict_texts(
    figure: FigureChange, unit_of_measure: str, labels: Labels, lang: Language
) -> Iterator[tuple[str, str | None, str]]:
    """Target, verdict and firmness: name, text on the earlier night, text on the later one."""
    was, now = figure.verdict_before, figure.verdict_after or Verdict()

    def target(verdict: Verdict) -> str:
        text = target_text(verdict.target, verdict.comparison, unit_of_measure, lang)
        return text or _WORDS["no_target"][lang]

    def status(verdict: Verdict) -> str:
        return str(labels.statuses[verdict.status][f"label_{lang}"]) if verdict.status else "—"

    def firmness(verdict: Verdict) -> str:
        if not verdict.firmness:
            return "—"
        readings = [
            str(labels.readings[code][f"label_{lang}"])
            for code in (verdict.turned_by or "").split()
        ]
        label = str(labels.firmnesses[verdict.firmness][f"label_{lang}"])
        return label + (f": {'; '.join(readings)}" if readings else "")

    texts: tuple[tuple[str, Callable[[Verdict], str]], ...] = (
        ("target", target),
        ("verdict", status),
        ("firmness", firmness),
    )
    for name, text in texts:
        before, after = text(was) if was else None, text(now)
        if {before, after} - {None, "—"}:
            yield name, before, after


def _issues(figure: FigureChange) -> Iterator[tuple[str, KnownIssue]]:
    """The known issues of both nights, each with the name of its sentence."""
    had_begun = figure.verdict_before is not None
    known = figure.issues_before if had_begun else figure.issues_after
    before = {issue.issue_code for issue in known}
    after = {issue.issue_code for issue in figure.issues_after}
    for issue in figure.issues_after:
        yield ("issue" if issue.issue_code in before else "new_issue"), issue
    for issue in figure.issues_before:
        if issue.issue_code not in after:
            yield "gone_issue", issue


def _footnote(issue: KnownIssue, lang: Language) -> str:
    return issue.footnote_vi if lang == "vi" else issue.footnote_en


def _print_causes(console: Console, figure: FigureChange, labels: Labels, lang: Language) -> None:
    from rich import box  # noqa: PLC0415 - the machine formats do without it
    from rich.table import Table  # noqa: PLC0415 - idem

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_footer=len(figure.causes) > 1)
    table.add_column(_WORDS["cause"][lang], footer=_WORDS["sum"][lang], ratio=1, overflow="fold")
    table.add_column(_WORDS["count"][lang], justify="right")
    unit_of_measure = labels.indicators[figure.indicator_code]["unit_of_measure"]
    measures = {"numerator": unit_of_measure, "denominator": ""}
    for (name, measure), change in zip(measures.items(), figure.change, strict=True):
        table.add_column(_WORDS[name][lang], justify="right", footer=signed(change, lang, measure))
    for cause in figure.causes:
        table.add_row(
            labels.causes[cause.cause_code][f"label_{lang}"],
            "" if cause.item_count is None else whole(cause.item_count, lang),
            signed(cause.numerator_change, lang, unit_of_measure),
            signed(cause.denominator_change, lang),
        )
    console.print(table)
    for cause in figure.causes:
        if cause.item_count is not None:
            _print_items(console, figure, cause, labels, lang)


def _print_items(
    console: Console, figure: FigureChange, cause: Cause, labels: Labels, lang: Language
) -> None:
    from rich import box  # noqa: PLC0415 - the machine formats do without it
    from rich.table import Table  # noqa: PLC0415 - idem
    from rich.text import Text  # noqa: PLC0415 - idem

    items = [item for item in figure.items if item.cause_code == cause.cause_code]
    if not items:
        return
    label = labels.causes[cause.cause_code][f"label_{lang}"]
    unit_of_measure = labels.indicators[figure.indicator_code]["unit_of_measure"]
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
        table.add_column(_WORDS["days"][lang], ratio=1, overflow="fold")
    for item in items[:_SHOWN]:
        cells = [
            Text(item.item_code),
            *(
                Text(amounts_text(*counts, unit_of_measure, lang, between="/"))
                for counts in (
                    (item.numerator_before, item.denominator_before),
                    (item.numerator_after, item.denominator_after),
                )
            ),
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


def _figure_text(
    counts: tuple[int, int], unit_of_measure: str, verdict: Verdict | None, lang: Language
) -> str:
    numerator, denominator = counts
    if not denominator:
        return _WORDS["nothing"][lang]
    target = verdict.target if verdict else None
    value = measured(numerator, denominator, None, unit_of_measure, lang, target)
    amounts = amounts_text(numerator, denominator, unit_of_measure, lang, between="/")
    return f"{amounts} = {value}"
