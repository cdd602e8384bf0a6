"""Pages and tables for people: readable widths, plain text when piped, no formulas in cells.

CSV files begin with a byte order mark (``utf-8-sig``): without it, Excel shows Vietnamese letters
wrongly. That holds for the files that the product writes and for a command's output that is
redirected into a file. Output into a pipe or on a terminal has no mark, because programs read it.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import os
import shutil
import stat
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, TextIO

from onestop.schema.number_text import whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console, RenderableType
    from rich.progress import Progress, Task, TaskID

    from onestop.schema.number_text import Language

#: What a command can write: a table for people, the others for programs.
OutputFormat = Literal["table", "json", "csv"]

#: The encoding of CSV files that people open.
CSV_ENCODING = "utf-8-sig"
_MARK = "\ufeff"
_PIPED_WIDTH = 80


def page_width(file: TextIO, *, at_least: int = 80, at_most: int = 120) -> int:
    """The terminal's width within limits; ``COLUMNS`` or 80 when piped.

    Args:
        file: where the page is written to.
        at_least: width of a page in a narrower terminal.
        at_most: width of a page in a wider terminal.
    """
    width = _PIPED_WIDTH
    if file.isatty() or os.environ.get("COLUMNS"):
        width = shutil.get_terminal_size((_PIPED_WIDTH, 24)).columns
    return max(at_least, min(at_most, width))


@contextmanager
def printed(file: TextIO, width: int) -> Iterator[Console]:
    """A console that writes to ``file``; without colours and trailing blanks when piped."""
    from rich.console import Console  # noqa: PLC0415 - only pages for people need it

    if file.isatty():
        yield Console(file=file, width=width, highlight=False, markup=False)
        return
    page = io.StringIO()
    yield Console(file=page, width=width, highlight=False, markup=False)
    file.writelines(line.rstrip() + "\n" for line in page.getvalue().splitlines())


class TerminalProgress:
    """Shows work on a terminal, with count, rate and time, once it lasts longer than a moment.

    Args:
        file: the terminal.
        lang: of what is shown.
    """

    def __init__(self, file: TextIO, lang: Language) -> None:
        self._file, self._lang = file, lang
        self._progress: Progress | None = None
        self._timer: threading.Timer | None = None
        self._tasks: list[TaskID] = []
        self._lock = threading.Lock()

    def begin(self, work: str, subject: str, unit: str, total: int | None) -> None:
        """Show a line for work that begins."""
        progress = self._progress or self._prepared()
        text = " ".join(filter(None, (_WORK[work][self._lang], subject)))
        unit = _WORK[unit][self._lang] if unit else ""
        self._tasks.append(progress.add_task(text, total=total, unit=unit))

    def advance(self, count: int) -> None:
        """Count on in the line of the work that began last."""
        if self._progress and self._tasks:
            self._progress.advance(self._tasks[-1], count)

    def end(self) -> None:
        """Take the line away."""
        if self._progress is None:
            return
        self._progress.remove_task(self._tasks.pop())
        if self._tasks:
            return
        if self._timer:
            self._timer.cancel()
        with self._lock:  # the timer may have run out just now
            self._progress.stop()
            self._progress = None

    def _show(self, progress: Progress) -> None:
        """Start a display, unless its work has ended."""
        with self._lock:
            if self._progress is progress:
                progress.start()

    def _prepared(self) -> Progress:
        """A display that appears after a moment."""
        from rich.console import Console  # noqa: PLC0415 - only terminals need it
        from rich.progress import Progress, SpinnerColumn, TimeElapsedColumn  # noqa: PLC0415 - idem

        lang = self._lang

        class Text(SpinnerColumn):
            def render(self, task: Task) -> RenderableType:
                return progress_text(
                    task.description, int(task.completed), task.total, task.fields["unit"],
                    task.speed, lang,
                )  # fmt: skip

        progress = Progress(
            SpinnerColumn(),
            Text(),
            TimeElapsedColumn(),
            console=Console(file=self._file, highlight=False, markup=False),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._progress = progress
        self._timer = threading.Timer(_MOMENT_SECONDS, self._show, (progress,))
        self._timer.daemon = True
        self._timer.start()
        return progress


class LineProgress:
    """Writes work as lines, where there is no terminal: each when it ends, and now and then.

    Args:
        file: what is written to.
        lang: of what is written.
    """

    def __init__(self, file: TextIO, lang: Language) -> None:
        self._file, self._lang = file, lang
        self._works: list[_Work] = []

    def begin(self, work: str, subject: str, unit: str, total: int | None) -> None:
        """Work begins; only its end is written, or that it lasts."""
        text = " ".join(filter(None, (_WORK[work][self._lang], subject)))
        unit = _WORK[unit][self._lang] if unit else ""
        now = time.monotonic()
        self._works.append(_Work(text, unit, total, now, now))

    def advance(self, count: int) -> None:
        """Count on, and write a line where the last one is some seconds ago."""
        if self._works:
            work = self._works[-1]
            work.done += count
            if time.monotonic() - work.written >= _LINE_SECONDS:
                self._write(work)

    def end(self) -> None:
        """Write what was done, where the last line did not say it."""
        work = self._works.pop()
        if work.shown != work.done or work.done == 0:
            self._write(work)

    def _write(self, work: _Work) -> None:
        work.written, work.shown = time.monotonic(), work.done
        seconds = max(work.written - work.begun, 0.001)
        rate = work.done / seconds
        text = progress_text(work.text, work.done, work.total, work.unit, rate, self._lang)
        self._file.write(f"{text} ({whole(round(seconds), self._lang)} s)\n")
        self._file.flush()


@dataclass
class _Work:
    """Work that has begun; times are those of :func:`time.monotonic`."""

    text: str
    unit: str
    total: int | None
    begun: float
    written: float
    done: int = 0
    shown: int = 0


def progress_text(
    text: str, done: int, total: float | None, unit: str, rate: float | None, lang: Language
) -> str:
    """A line of progress: ``reading a.json: 12,000 rows, 8,000 rows/s``.

    Args:
        text: what is done.
        done: how many are done.
        total: how many there are; None when unknown.
        unit: of these numbers; empty when nothing is counted.
        rate: how many in a second; None when unknown.
        lang: of numbers.
    """
    if not unit or not (done or total):
        return text
    of = f"/{whole(int(total), lang)}" if total else ""
    speed = f", {whole(int(rate), lang)} {unit}/s" if rate and rate >= 1 else ""
    return f"{text}: {whole(done, lang)}{of} {unit}{speed}"


#: How often a line of lasting work is written.
_LINE_SECONDS = 5.0
#: Work that ends sooner is not shown.
_MOMENT_SECONDS = 1.0
_WORK: dict[str, dict[Language, str]] = {
    "reading": {"vi": "đọc", "en": "reading"},
    "checking": {"vi": "kiểm tra", "en": "checking"},
    "loading": {"vi": "nạp", "en": "loading"},
    "computing": {"vi": "tính số liệu", "en": "computing"},
    "publishing": {"vi": "công bố", "en": "publishing"},
    "comparing": {"vi": "so sánh", "en": "comparing"},
    "copying": {"vi": "chép", "en": "copying"},
    "reporting": {"vi": "viết báo cáo", "en": "writing the reports"},
    "migrating": {"vi": "nâng cấu trúc kho dữ liệu", "en": "upgrading the schema"},
    "verifying": {"vi": "soát", "en": "verifying"},
    "rebuilding": {"vi": "dựng lại", "en": "rebuilding"},
    "replaying": {"vi": "đọc lại", "en": "reading again"},
    "writing": {"vi": "ghi", "en": "writing"},
    "deleting": {"vi": "xóa", "en": "deleting"},
    "nights": {"vi": "đêm", "en": "nights"},
    "days": {"vi": "ngày", "en": "days"},
    "rows": {"vi": "dòng", "en": "rows"},
    "tables": {"vi": "bảng", "en": "tables"},
    "files": {"vi": "tệp", "en": "files"},
    "checks": {"vi": "mục", "en": "checks"},
    "MiB": {"vi": "MiB", "en": "MiB"},
}


def safe_cell(cell: object) -> object:
    """A cell that no spreadsheet program runs as a formula."""
    if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + cell
    return cell


def write_csv(file: TextIO, columns: Sequence[str], rows: Iterable[Iterable[object]]) -> None:
    """Write rows as CSV, without formulas; with a byte order mark at the beginning of a file.

    Args:
        file: standard output, or a text in memory.
        columns: the header.
        rows: the cells of each row, in this order.
    """
    if _is_empty_file(file):
        file.write(_MARK)
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(map(_csv_cell, row) for row in rows)


def write_json(file: TextIO, value: object) -> None:
    """Write a value as indented JSON, with rates as numbers and dates in ISO 8601."""
    json.dump(value, file, ensure_ascii=False, indent=2, default=_json_value)
    file.write("\n")


def _json_value(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _csv_cell(cell: object) -> object:
    return str(cell).lower() if isinstance(cell, bool) else safe_cell(cell)


def csv_bytes(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> bytes:
    """The content of a CSV file that people open.

    Args:
        columns: the header.
        rows: the cells of each row, in this order.
    """
    text = io.StringIO()
    write_csv(text, columns, rows)
    return text.getvalue().encode(CSV_ENCODING)


def _is_empty_file(file: TextIO) -> bool:
    """Whether it is an empty file on disk, in UTF-8; not a pipe, a terminal or a text in memory."""
    try:
        status = os.fstat(file.fileno())
    except (AttributeError, OSError):
        return False
    is_utf_8 = (file.encoding or "").lower().replace("_", "-") == "utf-8"
    return is_utf_8 and stat.S_ISREG(status.st_mode) and status.st_size == 0
