"""Lists for the terminal: what came in, and what was refused."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal

from rich.table import Table

from onestop.page import page_width, printed
from onestop.published import NothingPublishedError
from onestop.warehouse import open_warehouse

if TYPE_CHECKING:
    import datetime as dt

    from onestop.settings import Settings

Language = Literal["vi", "en"]

_DELIVERY_HEADERS = {
    "vi": ("Đêm", "Tệp", "Loại", "Tình trạng", "Đọc", "Nhận", "Loại bỏ", "Lặp", "Trống", "Lý do"),
    "en": (
        "Night", "File", "Feed", "State", "Read", "Accepted", "Rejected", "Repeated", "Blank",
        "Reason",
    ),
}  # fmt: skip
_REJECTED_HEADERS = {
    "vi": ("Đêm", "Loại", "Dòng", "Khóa", "Quy tắc", "Lý do", "Giá trị", "Tình trạng"),
    "en": ("Night", "Feed", "Row", "Key", "Rule", "Reason", "Values", "State"),
}
_STATES = {
    "vi": {
        "loaded": "đã nạp", "refused": "từ chối", "open": "còn mở",
        "replayed": "đã nạp lại", "superseded": "đã được thay",
    },
    "en": {},
}  # fmt: skip
_TOTALS = {
    "vi": "{shown} trong {total} dòng; lọc bằng các tùy chọn, xem --help",
    "en": "{shown} of {total} rows; the options filter them, see --help",
}


def print_deliveries(
    settings: Settings,
    *,
    lang: Language = "vi",
    night: dt.date | None = None,
    feed: str | None = None,
    state: str | None = None,
    limit: int = 50,
) -> None:
    """What came in, the latest first.

    Args:
        settings: of this installation.
        lang: of the table.
        night: only deliveries that describe this night.
        feed: only this feed.
        state: ``loaded`` or ``refused``.
        limit: at most so many rows.
    """
    rows, total = _select(
        settings,
        f"night, file_name, feed, state, rows_read, rows_accepted, rows_rejected, rows_repeated,"
        f" rows_blank, refused_rule || ': ' || reason_{lang} as reason",
        "audit.delivery",
        {"night": night, "feed": feed, "state": state},
        "night desc, feed, file_name, attempt",
        limit,
    )
    table = _table(_DELIVERY_HEADERS[lang], numbers=range(4, 9))
    for row in rows:
        row["state"] = _STATES[lang].get(row["state"], row["state"])
        table.add_row(*(_text(value) for value in row.values()))
    _print(table, lang, len(rows), total)


def print_rejected(
    settings: Settings,
    *,
    lang: Language = "vi",
    night: dt.date | None = None,
    feed: str | None = None,
    rule: str | None = None,
    state: str | None = None,
    limit: int = 50,
) -> None:
    """Rejected rows with their reasons, the latest first; values are masked.

    Args:
        settings: of this installation.
        lang: of the table.
        night: only rows of deliveries that describe this night.
        feed: only this feed.
        rule: only this rule code.
        state: ``open``, ``replayed`` or ``superseded``.
        limit: at most so many rows.
    """
    rows, total = _select(
        settings,
        f"night, feed, row_number, key_text, rule_code, message_{lang}, offending, state",
        "audit.rejected_row",
        {"night": night, "feed": feed, "rule_code": rule, "state": state},
        "night desc, delivery_id, row_number, rule_code",
        limit,
    )
    table = _table(_REJECTED_HEADERS[lang], numbers=(2,))
    for row in rows:
        row["state"] = _STATES[lang].get(row["state"], row["state"])
        table.add_row(*(_text(value) for value in row.values()))
    _print(table, lang, len(rows), total)


def _select(
    settings: Settings,
    columns: str,
    table: str,
    filters: dict[str, Any],
    order: str,
    limit: int,
) -> tuple[list[dict[str, Any]], int]:
    chosen = {name: value for name, value in filters.items() if value is not None}
    where = " and ".join(f"{name} = :{name}" for name in chosen) or "true"
    try:
        with open_warehouse(settings.warehouse, read_only=True) as warehouse:
            total = warehouse.value(f"select count(*) from {table} where {where}", chosen)
            rows = warehouse.rows(
                f"select {columns} from {table} where {where} order by {order} limit {limit}",
                chosen,
            )
    except FileNotFoundError as error:
        raise NothingPublishedError(
            "there is no warehouse yet; run `onestop night` for a night that has its exports"
        ) from error
    return rows, int(total)


def _table(headers: tuple[str, ...], numbers: Any) -> Table:  # noqa: ANN401 - any container
    table = Table(box=None, header_style="bold", pad_edge=False)
    for place, header in enumerate(headers):
        table.add_column(header, justify="right" if place in numbers else "left")
    return table


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _print(table: Table, lang: Language, shown: int, total: int) -> None:
    with printed(sys.stdout, page_width(sys.stdout, at_least=140, at_most=200)) as console:
        console.print(table)
        console.print(_TOTALS[lang].format(shown=shown, total=total))
