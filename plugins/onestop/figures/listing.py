"""Lists for the terminal: files received, and rejected rows."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from onestop.console import page_width, printed, write_csv
from onestop.figures.known import refuse_unknown
from onestop.marts.published import NothingPublishedError
from onestop.readers.refusals import values_for_people
from onestop.warehouse import NoWarehouseError, open_warehouse

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Container, Iterator, Mapping, Sequence

    from onestop.console import OutputFormat
    from onestop.schema.number_text import Language
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

_DELIVERY_HEADERS = {
    "vi": (
        "Đêm", "Tệp", "Loại", "Tình trạng", "Đọc", "Nhận", "Loại bỏ", "Lặp", "Trống", "Bỏ qua",
        "Lý do",
    ),
    "en": (
        "Night", "File", "Feed", "State", "Read", "Accepted", "Rejected", "Repeated", "Blank",
        "Skipped", "Reason",
    ),
}  # fmt: skip
_REJECTED_HEADERS = {
    "vi": ("Đêm", "Tệp", "Dòng", "Khóa", "Quy tắc", "Lý do", "Giá trị", "Tình trạng"),
    "en": ("Night", "File", "Row", "Key", "Rule", "Reason", "Values", "State"),
}
_STATES = {
    "vi": {
        "loaded": "đã nạp", "refused": "từ chối", "open": "chưa xử lý",
        "replayed": "đã nạp lại", "superseded": "đã được thay",
        "left_out": "bỏ qua theo ánh xạ",
    },
    "en": {},
}  # fmt: skip
_SHOWN_OF_DELIVERIES = (
    *("night", "file_name", "feed", "state", "rows_read", "rows_accepted", "rows_rejected"),
    *("rows_repeated", "rows_blank", "rows_skipped", "reason"),
)
_DELIVERY_COLUMNS = (
    *("night", "source", "feed", "file_name", "delivery_id", "attempt", "state"),
    *("rows_read", "rows_accepted", "rows_rejected", "rows_repeated", "rows_blank"),
    *("rows_skipped", "refused_rule", "reason_vi", "reason_en"),
)
_REJECTED_COLUMNS = (
    *("night", "source", "feed", "file_name", "delivery_id", "row_number", "key_text"),
    *("rule_code", "message_vi", "message_en", "offending", "state"),
)
#: From this width on, the lists are tables.
_WIDE = 130
_DELIVERY_STATES = ("loaded", "refused")
_REJECTED_STATES = ("open", "replayed", "superseded", "left_out")
_TOTALS = {
    "vi": "{shown} trong {total} dòng; lọc bằng các tùy chọn, xem --help",
    "en": "Shown: {shown} of {total}; the options filter them, see --help",
}
_REMEDY = {
    "vi": (
        "Dòng chưa xử lý: sửa ở hệ thống nguồn và xuất lại tệp; hoặc thêm giá trị, định dạng ngày"
        " vào tệp ánh xạ (các giá trị được nhận: docs/feeds.md), rồi chạy `onestop replay`."
    ),
    "en": (
        "Open rows: correct them at the source and export the file again; or add the value or the"
        " date format to the mapping (accepted values: docs/feeds.md), then run `onestop replay`."
    ),
}


def print_deliveries(
    settings: Settings,
    *,
    lang: Language = "vi",
    night: dt.date | None = None,
    feed: str | None = None,
    state: str | None = None,
    limit: int = 50,
    form: OutputFormat = "table",
) -> None:
    """Print the deliveries, the latest first.

    Args:
        settings: of this installation.
        lang: of the table.
        night: only deliveries that describe this night.
        feed: only this feed.
        state: ``loaded`` or ``refused``.
        limit: at most so many rows.
        form: ``table``, ``json`` or ``csv``; the machine formats hold codes, and reasons in both
            languages.

    Raises:
        QuestionError: there is no such night, feed or state.
    """
    filters = {"night": night, "feed": feed, "state": state}
    with _opened(settings) as warehouse:
        refuse_unknown(warehouse, filters, states=_DELIVERY_STATES)
        where, values = _where(filters)
        total = warehouse.value(f"select count(*) from audit.delivery where {where}", values)
        rows = warehouse.rows(
            "select night, file_name, feed, state, rows_read, rows_accepted, rows_rejected,"
            " rows_repeated, rows_blank, rows_skipped, refused_rule, reason_vi, reason_en, source,"
            " delivery_id, attempt"
            f" from audit.delivery where {where}"
            f" order by night desc, feed, file_name, delivery_id, attempt limit {int(limit)}",
            values,
        )
    if form != "table":
        _print_for_programs(form, _DELIVERY_COLUMNS, rows)
        return
    lines = []
    for row in rows:
        reason = f"{row['refused_rule']}: {row[f'reason_{lang}']}" if row["refused_rule"] else ""
        state = _STATES[lang].get(row["state"], row["state"])
        facts = {**row, "state": state, "reason": reason}
        lines.append(tuple(_text(facts[name]) for name in _SHOWN_OF_DELIVERIES))
    _print(_DELIVERY_HEADERS[lang], lines, lang, int(total), numbers=range(4, 10))


def print_rejected(  # noqa: PLR0913 - one filter each
    settings: Settings,
    *,
    lang: Language = "vi",
    night: dt.date | None = None,
    feed: str | None = None,
    rule: str | None = None,
    state: str | None = None,
    limit: int = 50,
    form: OutputFormat = "table",
) -> None:
    """Print rejected rows with all their reasons, the latest first; values are masked.

    Each with its file and the row in it. What can be done follows where rows are open.

    Args:
        settings: of this installation.
        lang: of the table.
        night: only rows of deliveries that describe this night.
        feed: only this feed.
        rule: only rows that broke this rule.
        state: ``open``, ``replayed``, ``superseded`` or ``left_out``.
        limit: at most so many rows.
        form: ``table``, ``json`` or ``csv``; the machine formats hold one entry for each row and
            rule, with messages in both languages.

    Raises:
        QuestionError: there is no such night, feed, rule or state.
    """
    filters = {"night": night, "feed": feed, "rule_code": rule, "state": state}
    with _opened(settings) as warehouse:
        refuse_unknown(warehouse, filters, states=_REJECTED_STATES)
        where, values = _where(filters)
        chosen = (
            f"select distinct night, delivery_id, row_number from audit.rejected_row where {where}"
        )
        total = warehouse.value(f"select count(*) from ({chosen}) as chosen", values)
        found = warehouse.rows(
            f"select r.night, d.file_name, r.row_number, r.key_text, r.rule_code,"
            " r.message_vi, r.message_en, r.offending, r.state, r.feed, r.source, r.delivery_id"
            f" from ({chosen} order by night desc, delivery_id, row_number limit {int(limit)})"
            " as chosen inner join audit.rejected_row as r on r.delivery_id = chosen.delivery_id"
            " and r.row_number = chosen.row_number"
            " inner join (select delivery_id, min(file_name) as file_name from audit.delivery"
            " group by delivery_id) as d on d.delivery_id = r.delivery_id"
            " order by r.night desc, r.delivery_id, r.row_number, r.rule_code, r.state,"
            " r.offending",
            values,
        )
    if form != "table":
        _print_for_programs(form, _REJECTED_COLUMNS, found)
        return
    lines = []
    for _, broken in groupby(found, key=lambda row: (row["delivery_id"], row["row_number"])):
        reasons = [
            row | {"offending": _values(row["offending"], lang), "message": row[f"message_{lang}"]}
            for row in broken
        ]
        first = reasons[0]
        lines.append(
            (
                *(_text(first[name]) for name in ("night", "file_name", "row_number", "key_text")),
                *(
                    "\n".join(dict.fromkeys(_text(row[name]) for row in reasons))
                    for name in ("rule_code", "message", "offending")
                ),
                "\n".join(
                    dict.fromkeys(_STATES[lang].get(row["state"], row["state"]) for row in reasons)
                ),
            )
        )
    is_open = any(row["state"] == "open" for row in found)
    remedy = _REMEDY[lang] if is_open else ""
    _print(_REJECTED_HEADERS[lang], lines, lang, int(total), numbers=(2,), below=remedy)


def _values(offending: str | None, lang: Language) -> str:
    """The values that broke a rule, one on each line, as ``column: value``."""
    values = json.loads(offending or "{}")
    if "read_problem" in values:
        values = values_for_people(values, lang)
    return "\n".join(f"{name}: {'–' if value is None else value}" for name, value in values.items())


def _where(filters: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    chosen = {name: value for name, value in filters.items() if value is not None}
    return " and ".join(f"{name} = :{name}" for name in chosen) or "true", chosen


@contextmanager
def _opened(settings: Settings) -> Iterator[Warehouse]:
    try:
        warehouse = open_warehouse(settings.warehouse, read_only=True)
    except NoWarehouseError as error:
        raise NothingPublishedError(
            "there is no warehouse yet",
            remedy="run `onestop night` for a night that has its exports",
        ) from error
    with warehouse:
        yield warehouse


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _print_for_programs(
    form: OutputFormat, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> None:
    chosen = [{name: row[name] for name in columns} for row in rows]
    if form == "json":
        json.dump(chosen, sys.stdout, ensure_ascii=False, indent=1, default=str)
        sys.stdout.write("\n")
    else:
        write_csv(sys.stdout, columns, (row.values() for row in chosen))


def _print(
    headers: Sequence[str],
    lines: Sequence[Sequence[str]],
    lang: Language,
    total: int,
    *,
    numbers: Container[int],
    below: str = "",
) -> None:
    """Print a table; where it does not fit, each of its rows as a paragraph."""
    with printed(sys.stdout, page_width(sys.stdout, at_most=200)) as console:
        if console.width >= _WIDE:
            console.print(_table(headers, lines, numbers))
        else:
            for line in lines:
                console.print(*_paragraph(headers, line), sep="\n", soft_wrap=False)
        console.print(_TOTALS[lang].format(shown=len(lines), total=total))
        if below:
            console.print(below)


def _table(
    headers: Sequence[str], lines: Sequence[Sequence[str]], numbers: Container[int]
) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for place, header in enumerate(headers):
        # A name that does not fit goes on in the next line: cut, two files look like one.
        table.add_column(header, justify="right" if place in numbers else "left", overflow="fold")
    for line in lines:
        table.add_row(*line)
    return table


def _paragraph(headers: Sequence[str], line: Sequence[str]) -> Iterator[Padding | Text]:
    """Night and file, then the other values with their headers."""
    yield Text("  ".join(line[:2]), style="bold")
    rest = [
        f"{header}: {'; '.join(value.splitlines())}"
        for header, value in zip(headers[2:], line[2:], strict=True)
        if value
    ]
    yield Padding(Text(" · ".join(rest)), (0, 0, 0, 2))
