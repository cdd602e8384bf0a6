"""An explanation as a page for people, as JSON, or as CSV."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TextIO

from onestop.console import page_width, printed, write_csv
from onestop.figures.code_texts import CodeTexts
from onestop.figures.explain.checks import FOUND, read_check
from onestop.figures.explain.items import ROLES, fact_text, unit_names_in
from onestop.figures.unit_names import unit_label
from onestop.marts.descriptions import column_texts
from onestop.marts.earlier_nights import NightMarts
from onestop.marts.published import open_published
from onestop.progress import BATCH, counted_off, working
from onestop.schema.number_text import amounts_text, counted, day, duration, measured, whole
from onestop.schema.source_texts import source_text

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from rich.console import Console
    from rich.table import Table

    from onestop.console import OutputFormat
    from onestop.figures.explain.items import CountedItem, Explanation, Fact, Kind, Role
    from onestop.schema.number_text import Language
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

_WORDS: dict[str, dict[Language, str]] = {
    "numerator": {
        "vi": "Tính vào tử số và mẫu số",
        "en": "Counted in numerator and denominator",
    },
    "denominator": {"vi": "Chỉ tính vào mẫu số", "en": "Counted in the denominator only"},
    "left_out": {"vi": "Không tính", "en": "Left out"},
    "found_numerator": {"vi": "Phát hiện, chắc chắn", "en": "Found with certainty"},
    "found_left_out": {"vi": "Có thể, chưa chắc chắn", "en": "Possible, not certain"},
    "role": {"vi": "Tính thế nào", "en": "How it counts"},
    "reason_code": {"vi": "Mã lý do", "en": "Reason code"},
    "file_name": {"vi": "Tệp", "en": "File"},
    "row_number": {"vi": "Dòng", "en": "Row"},
    "dossier_code": {"vi": "Hồ sơ", "en": "Dossier"},
    "received_date": {"vi": "Tiếp nhận", "en": "Received"},
    "due_date": {"vi": "Hẹn trả", "en": "Due"},
    "closed_date": {"vi": "Kết thúc", "en": "Ended"},
    "last_seen_night": {"vi": "Xuất trước đó", "en": "Seen before"},
    "visit_code": {"vi": "Lượt", "en": "Visit"},
    "event_date": {"vi": "Ghi nhận", "en": "Recorded"},
    "limit_date": {"vi": "Chậm nhất", "en": "Allowed until"},
    "ticket_code": {"vi": "Phiếu", "en": "Ticket"},
    "unit_code": {"vi": "Đơn vị", "en": "Unit"},
    "issued_at": {"vi": "Lấy số", "en": "Issued"},
    "called_at": {"vi": "Gọi lần đầu", "en": "First called"},
    "wait_seconds": {"vi": "Chờ", "en": "Wait"},
    "procedure_code": {"vi": "Thủ tục", "en": "Procedure"},
    "procedure_name": {"vi": "Tên", "en": "Name"},
    "authority_level": {"vi": "Cấp", "en": "Level"},
    "service_level": {"vi": "Mức độ", "en": "Service level"},
    "published_date": {"vi": "Công khai", "en": "Published"},
    "unit_name": {"vi": "Tên", "en": "Name"},
    "name_of_unit": {"vi": "Tên đơn vị", "en": "Unit name"},
    "digitisation_date": {"vi": "Triển khai", "en": "In use since"},
    "document_number": {"vi": "Văn bản", "en": "Document"},
    "document_date": {"vi": "Ngày văn bản", "en": "Dated"},
    "declared_start": {"vi": "Từ ngày", "en": "From"},
    "declared_end": {"vi": "Đến ngày", "en": "To"},
    "adds_to_numerator": {"vi": "Cộng vào tử số", "en": "Adds to the numerator"},
    "adds_to_denominator": {"vi": "Cộng vào mẫu số", "en": "Adds to the denominator"},
    "wait_in_seconds": {"vi": "Chờ (giây)", "en": "Wait (seconds)"},
    "declared_numerator": {"vi": "Tử số", "en": "Numerator"},
    "declared_denominator": {"vi": "Mẫu số", "en": "Denominator"},
    "department": {"vi": "Sở, ngành", "en": "Department"},
    "district": {"vi": "Huyện", "en": "District"},
    "commune": {"vi": "Xã", "en": "Commune"},
    "reason": {"vi": "Vì sao", "en": "Why"},
    "reason_class": {"vi": "Loại lý do", "en": "Kind of reason"},
    "place": {"vi": "Tệp, dòng", "en": "File, row"},
    "span": {"vi": "từ {first} đến {last}", "en": "from {first} to {last}"},
    "as_of": {"vi": "Số liệu đến hết ngày {as_of}", "en": "Data as of the end of {as_of}"},
    "method": {"vi": "Cách đếm: {label} ({code})", "en": "Method: {label} ({code})"},
    "clause": {"vi": "Căn cứ: {clause}", "en": "Source: {clause}"},
    "figure": {"vi": "Kết quả: {figure}", "en": "Result: {figure}"},
    "nothing": {"vi": "chưa có dữ liệu", "en": "no data"},
    "agrees": {
        "vi": "Khớp với số đã công bố.",
        "en": "Agrees with the published figure.",
    },
    "agrees_so_far": {
        "vi": "Khớp với số đã công bố của kỳ {first} – {end}, kỳ chưa hết: tính đến {as_of}.",
        "en": "Agrees with the published figure of {first} – {end}, which still runs: as of"
        " {as_of}.",
    },
    "excerpt": {
        "vi": "Chỉ một phần: {items} trong {total} mục ({chosen})",
        "en": "An excerpt: {items} of {total} items ({chosen})",
    },
    "contains": {
        "vi": "mã chứa, hoặc mã thủ tục: {text}",
        "en": "code contains, or procedure: {text}",
    },
    "known_issue": {"vi": "Lỗi dữ liệu đã biết: {footnote}", "en": "Known issue: {footnote}"},
    "dossiers": {"vi": "hồ sơ", "en": "dossiers"},
    "tickets": {"vi": "phiếu", "en": "tickets"},
    "procedures": {"vi": "thủ tục", "en": "procedures"},
    "units": {"vi": "đơn vị", "en": "units"},
    "declarations": {"vi": "khai báo", "en": "declarations"},
    "more": {
        "vi": "… và {items} nữa; --format csv ghi ra tất cả.",
        "en": "… and {items} more; --format csv lists them all.",
    },
}


def print_explanation(
    settings: Settings,
    explanation: Explanation,
    lang: Language = "vi",
    format: OutputFormat = "table",  # noqa: A002 - the name of the command's option
    file: TextIO | None = None,
    *,
    role: Role | None = None,
    limit: int | None = None,
) -> None:
    """Write an explanation.

    Args:
        settings: of this installation.
        explanation: from :func:`onestop.figures.explain.explain`.
        lang: of labels and reasons in the table, and of the names of levels; the machine formats
            hold reasons in both languages.
        format: ``table`` for people, ``json`` or ``csv``.
        file: where to; defaults to standard output.
        role: list only the items of this role; the figure stays that of all.
        limit: list at most so many items of each role; defaults to all, in a table to 200.

    Raises:
        QuestionError: it does not add up to the published figure; nothing is written.
    """
    file = file or sys.stdout
    explanation.require_agreement()
    if format != "table":
        with open_published(settings) as warehouse:
            names = unit_names_in(warehouse, lang)
        kind = explanation.kind
        chosen = explanation.chosen(role, limit)
        with working("writing", unit="rows", total=len(chosen)):
            items = (item.cells(kind, names) for item in counted_off(chosen, every=BATCH))
            if format == "json":
                found = _as_json(explanation, [*items])
                json.dump(found, file, ensure_ascii=False, indent=2, default=str)
                file.write("\n")
            else:
                rows = ([cells.get(name) for name in kind.columns] for cells in items)
                write_csv(file, kind.columns, rows)
    else:
        with open_published(settings) as warehouse:
            labels = read_labels(
                warehouse,
                explanation.indicator_code,
                explanation.method_code,
                explanation.as_of,
                lang,
            )
        roles = ROLES if role is None else (role,)
        with printed(file, page_width(file, at_most=160)) as console:
            _print_head(console, explanation, labels, lang)
            for one in roles:
                _print_role(console, explanation, one, limit or _SHOWN, lang)


def _as_json(explanation: Explanation, items: list[dict[str, Fact]]) -> dict[str, Any]:
    """The fields of an explanation; its items are under the name of their kind."""
    return {
        "indicator_code": explanation.indicator_code,
        "method_code": explanation.method_code,
        "unit_code": explanation.unit_code,
        "unit_name": explanation.unit_name,
        "first": explanation.first,
        "last": explanation.last,
        "as_of": explanation.as_of,
        explanation.kind.name: items,
        "published": explanation.published,
        "runs_until": explanation.runs_until,
        "numerator": explanation.numerator,
        "denominator": explanation.denominator,
        "agrees": explanation.agrees,
        "no_data_reason_vi": explanation.no_data_reason_vi,
        "no_data_reason_en": explanation.no_data_reason_en,
        "known_issues": [asdict(issue) for issue in explanation.known_issues],
    }


def read_labels(
    warehouse: Warehouse, indicator: str, method: str, as_of: dt.date, lang: Language
) -> dict[str, str]:
    """The texts of a figure: ``title``, ``unit_of_measure``, and its ``method`` or ``clause``.

    Args:
        warehouse: the published marts, open.
        indicator: the indicator, or a check.
        method: the method, or a reading.
        as_of: the published night.
        lang: of the texts.
    """
    then = NightMarts(warehouse, as_of, mark="labels").relation
    if method == FOUND:
        check = read_check(warehouse, indicator, then("ref.decree_check")) or {}
        return {
            "title": check[f"label_{lang}"],
            "unit_of_measure": "dossiers",
            "clause": source_text(check["source_clause"], lang),
        }
    row = warehouse.rows(
        f"select title_{lang} as title, unit_of_measure from {then('ref.indicator')}"
        " where indicator_code = :code",
        {"code": indicator},
    )[0]
    label = warehouse.value(
        f"select label_{lang} from {then('ref.method')} where method_code = :code",
        {"code": method},
    )
    if label is None:
        label = warehouse.value(
            f"select label_{lang} from {then('ref.reading')} where reading_code = :code",
            {"code": method},
        )
    if label is None:  # this release knows it, and the published rows do not
        label = CodeTexts("method", "method_code", []).text(method, f"label_{lang}")
    return {**row, "method": label}


#: Items of each role in a table by default.
_SHOWN = 200
#: From this width on, each fact of an item has a column of its own.
_WIDE = 120


def _print_head(
    console: Console, explanation: Explanation, labels: dict[str, str], lang: Language
) -> None:
    def word(name: str, **values: str) -> str:
        return _WORDS[name][lang].format(**values)

    console.print()
    unit = unit_label(explanation.unit_code, explanation.unit_name, lang)
    console.print(f"{labels['title']} · {unit}", style="bold")
    console.print(
        word("span", first=day(explanation.first, lang), last=day(explanation.last, lang))
        + " · "
        + word("as_of", as_of=day(explanation.as_of, lang))
    )
    if "clause" in labels:
        console.print(word("clause", clause=labels["clause"]))
    else:
        console.print(word("method", label=labels["method"], code=explanation.method_code))
    figure = _figure(explanation, labels["unit_of_measure"], lang)
    console.print(word("figure", figure=figure), style="bold")
    reasons = {"vi": explanation.no_data_reason_vi, "en": explanation.no_data_reason_en}
    if reasons[lang]:
        console.print(reasons[lang])
    for issue in explanation.known_issues:
        footnote = {"vi": issue.footnote_vi, "en": issue.footnote_en}[lang]
        console.print(word("known_issue", footnote=footnote), style="yellow")
    if explanation.published is not None:
        console.print(
            word("agrees")
            if explanation.runs_until is None
            else word(
                "agrees_so_far",
                first=day(explanation.first, lang),
                end=day(explanation.runs_until, lang),
                as_of=day(explanation.as_of, lang),
            ),
            style="green",
        )


def _print_role(
    console: Console, explanation: Explanation, role: Role, limit: int, lang: Language
) -> None:
    """Print the first items of a role as a table, and how many there are."""
    from rich import box  # noqa: PLC0415 - the machine formats do without it
    from rich.table import Table  # noqa: PLC0415 - idem

    items = explanation.chosen(role)
    if not items:
        return
    kind = explanation.kind
    text = role_text(role, lang, is_check=explanation.method_code == FOUND)
    title = f"{text}: {whole(len(items), lang)}"
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left", title_style="bold"
    )
    table.add_column(heading(kind.code, lang), overflow="fold")
    fill = _fill_wide if console.width >= _WIDE else _fill_narrow
    fill(table, kind, items[:limit], lang)
    console.print(table)
    if len(items) > limit:
        left = _counted_items(len(items) - limit, kind, lang)
        console.print(_WORDS["more"][lang].format(items=left))


def _fill_wide(table: Table, kind: Kind, items: Iterable[CountedItem], lang: Language) -> None:
    """Give each fact a column."""
    from rich.text import Text  # noqa: PLC0415 - the machine formats do without it

    for name in kind.facts:
        is_name = name.endswith("_name")
        table.add_column(heading(name, lang), no_wrap=not is_name, ratio=1 if is_name else None)
    table.add_column(_WORDS["reason"][lang], ratio=1, overflow="fold")
    table.add_column(_WORDS["place"][lang], overflow="fold")
    for item in items:
        table.add_row(
            Text(item.code),
            *(Text(cell_text(name, item.facts[name], lang)) for name in kind.facts),
            Text(item.reason_vi if lang == "vi" else item.reason_en),
            Text(_place(item)),
        )


def _fill_narrow(table: Table, kind: Kind, items: Iterable[CountedItem], lang: Language) -> None:
    """Write reason, facts and place below one another."""
    from rich.text import Text  # noqa: PLC0415 - the machine formats do without it

    place = _WORDS["place"][lang]
    title = f"{_WORDS['reason'][lang]}, {place[:1].lower()}{place[1:]}"
    table.add_column(title, ratio=1, overflow="fold")
    for item in items:
        facts = " · ".join(
            f"{heading(name, lang)} {cell_text(name, item.facts[name], lang)}"
            for name in kind.facts
            if item.facts[name] is not None
        )
        reason = item.reason_vi if lang == "vi" else item.reason_en
        table.add_row(
            Text(item.code), Text("\n".join(part for part in (reason, facts, _place(item)) if part))
        )


def _place(item: CountedItem) -> str:
    return f"{item.file_name or '—'}, {item.row_number or '—'}"


def _counted_items(count: int, kind: Kind, lang: Language) -> str:
    if lang == "en":
        return counted(count, kind.name.removesuffix("s"))
    return f"{whole(count, lang)} {heading(kind.name, lang)}"


def heading(name: str, lang: Language) -> str:
    """The heading of a column of items: a short word, else its description."""
    if name in _WORDS:
        return _WORDS[name][lang]
    vi, _, en = column_texts().get(name, name).partition(" — ")
    return vi if lang == "vi" else en or vi


def role_text(role: Role, lang: Language, *, is_check: bool) -> str:
    """What a role means.

    Args:
        role: of an item.
        lang: of the text.
        is_check: whether the items are findings of a check, which no figure succeeds by.
    """
    name = f"found_{role}"
    return _WORDS[name if is_check and name in _WORDS else role][lang]


def cell_text(name: str, value: Fact, lang: Language) -> str:
    """A value of a column of items, for people."""
    if isinstance(value, int):
        if not name.endswith("_seconds"):
            return whole(value, lang)
        sign = "−" if value < 0 else ""
        return sign + duration(Decimal(abs(value)), lang)
    if isinstance(value, str) and name == "authority_level":
        return _WORDS[value][lang]
    return fact_text(value, lang)


def _figure(explanation: Explanation, unit_of_measure: str, lang: Language) -> str:
    numerator, denominator = explanation.numerator, explanation.denominator
    if unit_of_measure == "dossiers":
        found = numerator or 0
        return counted(found, "dossier") if lang == "en" else f"{whole(found, lang)} hồ sơ"
    if numerator is None or not denominator:
        return _WORDS["nothing"][lang]
    value = measured(numerator, denominator, None, unit_of_measure, lang)
    amounts = amounts_text(numerator, denominator, unit_of_measure, lang, between="/")
    return f"{amounts} = {value}"
