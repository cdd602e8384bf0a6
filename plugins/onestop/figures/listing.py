"""Lists for the terminal: files received, and rejected rows."""

from __future__ import annotations

import datetime as dt
import json
import sys
from contextlib import contextmanager
from dataclasses import asdict
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from onestop.console import page_width, printed, write_csv
from onestop.figures.known import refuse_unknown
from onestop.figures.night_times import STEP_TEXTS, SUM_OF_STEPS, read_night_times, seconds_text
from onestop.gate.unpublished import NIGHT_STATES
from onestop.marts.published import NothingPublishedError, QuestionError, has_national
from onestop.readers.refusals import values_for_people
from onestop.record.night_files import NIGHT_FILES, REPLACING_FILES
from onestop.record.night_runs import reason_sql
from onestop.said import said
from onestop.schema.feed_texts import column_name
from onestop.schema.number_text import day, moment_text, share_text, whole, with_days
from onestop.warehouse import NoWarehouseError, open_warehouse

if TYPE_CHECKING:
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
_NIGHT_COLUMNS = (
    *("night", "state", "files", "files_refused", "seconds", "published_at", "message"),
)
_NIGHT_HEADERS = {
    "vi": ("Đêm", "Kết quả", "Tệp", "Bị từ chối", SUM_OF_STEPS["vi"], "Công bố lúc", "Lý do"),
    "en": ("Night", "Outcome", "Files", "Refused", SUM_OF_STEPS["en"], "Published at", "Reason"),
}
_STEP_COLUMNS = (
    *("as_of_date", "step", "file_name", "began_at", "ended_at", "seconds", "outcome"),
    *("rows_done", "process"),
)
_STEP_HEADERS = {
    "vi": ("Bước", "Kết quả", "Thời gian", "Tỷ trọng", "Số dòng", "Số lần"),
    "en": ("Step", "Outcome", "Time", "Share", "Rows", "Times run"),
}
_STATES = {
    "vi": {
        "loaded": "đã nạp", "refused": "từ chối", "open": "chưa xử lý",
        "replayed": "đã nạp lại", "superseded": "đã được thay",
        "left_out": "bỏ qua theo ánh xạ",
    },
    "en": {},
}  # fmt: skip
_LOADED_ROWS = ("rows_accepted", "rows_rejected", "rows_repeated", "rows_blank", "rows_skipped")
_SHOWN_OF_DELIVERIES = (
    *("night", "file_name", "feed", "state", "rows_read", *_LOADED_ROWS, "reason"),
)
_DELIVERY_COLUMNS = (
    *("night", "source", "feed", "file_name", "delivery_id", "attempt", "state"),
    *("rows_read", "rows_accepted", "rows_rejected", "rows_repeated", "rows_blank"),
    *("rows_skipped", "refused_rule", "reason_vi", "reason_en", "known_from", "replaced_by"),
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
_ATTEMPTS = {
    "vi": "Số tệp: {files}; một tệp có một dòng cho mỗi lần được đọc",
    "en": "Files: {files}; a file has one row for each time that it was read",
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
        [counts] = warehouse.rows(
            "select count(*) as attempts, count(distinct delivery_id) as files"
            f" from audit.delivery where {where}",
            values,
        )
        rows = warehouse.rows(
            "select delivery.*, file.delivery_id as replaced_by"
            f" from (select * from audit.delivery where {where}) as delivery"
            f" left join ({REPLACING_FILES}) as file on {_IS_REPLACED}"
            " order by delivery.night desc, delivery.feed, delivery.file_name,"
            f" delivery.settled_at, delivery.attempt limit {int(limit)}",
            values,
        )
    if form != "table":
        _print_for_programs(form, _DELIVERY_COLUMNS, rows)
        return
    lines = []
    for row in rows:
        rule, why = row["refused_rule"], with_days(row[f"reason_{lang}"] or "", lang)
        reason = f"{rule}: {why}" if rule else ""
        # what the rules found in the rows of a refused file is no number of loaded rows
        none = dict.fromkeys(_LOADED_ROWS) if row["state"] == "refused" else {}
        facts = {**row, **none, "state": _delivery_state(row, lang), "reason": reason}
        lines.append(tuple(_text(facts[name], lang) for name in _SHOWN_OF_DELIVERIES))
    total, files = int(counts["attempts"]), int(counts["files"])
    below = _ATTEMPTS[lang].format(files=files) if files != total else ""
    _print(_DELIVERY_HEADERS[lang], lines, lang, total, numbers=range(4, 10), below=below)


#: Whether a file replaced a row of ``audit.delivery as delivery``.
_IS_REPLACED = (
    "file.source = delivery.source and file.feed = delivery.feed and file.night = delivery.night"
    " and file.file_name = delivery.file_name and file.delivery_id <> delivery.delivery_id"
    " and (delivery.state = 'loaded' or delivery.settled_at < file.settled_at)"
)
_STATE_NOTES = {
    "vi": {
        "attempt": "lần đọc {attempt}",
        "counts_from": "tính từ đêm {day}",
        "replaced": "đã được thay bằng tệp sau cùng tên",
    },
    "en": {
        "attempt": "reading {attempt}",
        "counts_from": "counts from night {day}",
        "replaced": "replaced by a later file of this name",
    },
}


def _delivery_state(row: Mapping[str, Any], lang: Language) -> str:
    """What became of a delivery: its state, from which night it counts, whether it is replaced."""
    notes = []
    if row["attempt"] > 1:
        notes.append("attempt")
    if row["state"] == "loaded" and row["known_from"] != row["night"]:
        notes.append("counts_from")
    if row["replaced_by"]:
        notes.append("replaced")
    state = _STATES[lang].get(row["state"], row["state"])
    values = {"attempt": row["attempt"], "day": _text(row["known_from"], lang)}
    return ", ".join([state, *(_STATE_NOTES[lang][note].format(**values) for note in notes)])


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
            row
            | {
                "offending": _values(row["feed"], row["offending"], lang),
                "message": row[f"message_{lang}"],
            }
            for row in broken
        ]
        first = reasons[0]
        lines.append(
            (
                *(
                    _text(first[name], lang)
                    for name in ("night", "file_name", "row_number", "key_text")
                ),
                *(
                    "\n".join(dict.fromkeys(_text(row[name], lang) for row in reasons))
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


def print_nights(
    settings: Settings,
    *,
    lang: Language = "vi",
    limit: int = 30,
    form: OutputFormat = "table",
) -> None:
    """Print the nights that were run, the latest first: how each ended, and its steps' time.

    Args:
        settings: of this installation.
        lang: of the table.
        limit: at most so many nights.
        form: ``table``, ``json`` or ``csv``; the machine formats hold codes and seconds.

    Raises:
        NothingPublishedError: there is no warehouse, or it holds the nation's figures only.
    """
    with _opened(settings) as warehouse:
        total = warehouse.value("select count(*) from audit.night_run")
        if not total and has_national(warehouse):
            raise NothingPublishedError(
                "this national office has no night of a city of its own",
                remedy="see the nation's publications with `onestop nation --list publications`",
            )
        rows = warehouse.rows(
            "select night_run.as_of_date as night, night_run.state, night_run.message,"
            f" {reason_sql(warehouse, 'night_run', 'message', lang)} as reason,"
            " coalesce(file.files, 0) as files, coalesce(file.refused, 0) as files_refused,"
            " publication.published_at"
            " from audit.night_run as night_run left join audit.publication as publication"
            " on night_run.as_of_date = publication.as_of_date"
            f" left join ({NIGHT_FILES}) as file on night_run.as_of_date = file.night"
            f" order by night_run.as_of_date desc limit {int(limit)}"
        )
        for row in rows:
            times = read_night_times(warehouse, settings.folders.steps, row["night"])
            row["seconds"] = round(times.seconds, 3) if times else None
    if form != "table":
        _print_for_programs(form, _NIGHT_COLUMNS, rows)
        return
    lines = []
    for row in rows:
        facts = {
            **row,
            "state": NIGHT_STATES.get(row["state"], {}).get(lang, row["state"]),
            "seconds": seconds_text(row["seconds"], lang),
            "message": "" if row["state"] == "published" else with_days(row["reason"] or "", lang),
        }
        lines.append(tuple(_text(facts[name], lang) for name in _NIGHT_COLUMNS))
    _print(_NIGHT_HEADERS[lang], lines, lang, int(total), numbers=range(2, 5))


def print_steps(
    settings: Settings,
    night: dt.date,
    *,
    lang: Language = "vi",
    form: OutputFormat = "table",
) -> None:
    """Print how long each step of a night took.

    Args:
        settings: of this installation.
        night: the night.
        lang: of the table.
        form: ``table``, ``json`` or ``csv``; the machine formats hold each execution.

    Raises:
        QuestionError: no step of that night is known.
    """
    with _opened(settings) as warehouse:
        times = read_night_times(warehouse, settings.folders.steps, night)
    if times is None:
        raise QuestionError(
            said("no step of night {night} is known", night=night),
            remedy="`onestop nights` lists the nights",
        )
    if form != "table":
        runs = [run for step in times.steps for run in step.runs]
        rows = [{**asdict(run), "seconds": run.seconds} for run in runs]
        rows.sort(key=itemgetter("began_at"))
        _print_for_programs(form, _STEP_COLUMNS, rows)
        return
    with printed(sys.stdout, page_width(sys.stdout)) as console:
        lines = [
            (
                STEP_TEXTS[step.step][lang],
                step.outcome_text(lang),
                seconds_text(step.seconds, lang),
                share_text(step.share, lang),
                "–" if step.rows is None else whole(step.rows, lang),
                whole(len(step.runs), lang),
            )
            for step in times.steps
        ]
        console.print(_table(_STEP_HEADERS[lang], lines, range(2, 6)))
        console.print(f"{SUM_OF_STEPS[lang]}: {seconds_text(times.seconds, lang)}")


def _values(feed: str, offending: str | None, lang: Language) -> str:
    """The values that broke a rule, one on each line, after the names of their columns."""
    values = json.loads(offending or "{}")
    if "read_problem" in values:
        values = values_for_people(values, lang)
    return "\n".join(
        f"{column_name(feed, name, lang)}: {'–' if value is None else value}"
        for name, value in values.items()
    )


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


def _text(value: object, lang: Language) -> str:
    if isinstance(value, dt.datetime):
        return moment_text(value, lang)
    if isinstance(value, dt.date):
        return day(value, lang)
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
