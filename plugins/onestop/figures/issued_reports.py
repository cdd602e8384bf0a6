"""The plan's periodic reports (QĐ 3818 IV.1.c), each issued as a frozen, numbered publication.

``ref.report_calendar`` says which there are and until when. An issue gives the figures of one
published night: its files lie under ``reports/<report_code>/<number>/`` beside the readers' copy,
and ``audit.report`` and ``audit.report_file`` hold what they are. The record comes first, in one
transaction; the folders are made from it, again whenever one is not there. A second copy lies in
the landing, which is backed up.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import shutil
import sys
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, TextIO

from onestop.console import page_width, printed, safe_cell
from onestop.errors import OneStopError
from onestop.figures.form_06a import form_06a_bytes, read_form_06a
from onestop.figures.scorecard import print_scorecard, read_scorecard
from onestop.figures.scorecard.page import frozen_scorecard
from onestop.files import READABLE, sync, write_whole
from onestop.intake.landing import INCOMING
from onestop.marts.published import (
    NothingPublishedError,
    QuestionError,
    find_night,
    open_published,
    published_nights,
)
from onestop.schema.number_text import day
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.warehouse import engine_of, open_warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from onestop.schema.number_text import Language
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

OutputFormat = Literal["table", "json", "csv"]

FOLDER = "reports"


class ReportFilesError(OneStopError):
    """The files of an issued report are not there and cannot be made as they were."""


@dataclass(frozen=True)
class IssuedReport:
    """One row of ``audit.report``; the columns are described there."""

    report_code: str
    issue_number: int
    plan_code: str
    title_vi: str
    title_en: str
    period_type: str
    period_basis: str
    period_start: dt.date
    period_end: dt.date
    as_of_date: dt.date
    publication_id: int
    last_day_date: dt.date
    is_late: bool
    issued_at: dt.datetime
    folder: str
    delivery_count: int
    figures_sha256: str
    content_sha256: str


_COLUMNS = tuple(field.name for field in fields(IssuedReport))
_OF_CALENDAR = (
    "report_code",
    "plan_code",
    "title_vi",
    "title_en",
    "period_type",
    "period_basis",
    "period_start",
    "period_end",
    "last_day_date",
)


def due_reports(settings: Settings, night: dt.date) -> list[str]:
    """Reports that have to go out on the day after a night and were never issued.

    A report is due on the last working day on which it is in time (``last_workday_date``), and
    stays due until it is issued.

    Args:
        settings: of this installation.
        night: the night that has just ended.

    Returns:
        Their codes, the oldest deadline first; none before the first published night of their
        period.
    """
    with open_warehouse(settings.warehouse) as warehouse:
        rows = warehouse.rows(
            "select calendar.report_code from ref.report_calendar as calendar"
            " where calendar.last_workday_date <= :today and calendar.period_start <= ("
            "  select max(as_of_date) from audit.publication where as_of_date <= :night)"
            " and not exists (select 1 from audit.report as issued"
            "  where issued.report_code = calendar.report_code)"
            " order by calendar.last_workday_date, calendar.report_code",
            {"night": night, "today": night + dt.timedelta(days=1)},
        )
    return [row["report_code"] for row in rows]


def last_night_up_to(settings: Settings, night: dt.date) -> dt.date:
    """The last published night up to a day.

    Raises:
        NothingPublishedError: there is none.
    """
    with open_published(settings) as warehouse:
        found = [each for each in published_nights(warehouse) if each <= night]
    if not found:
        raise NothingPublishedError(f"no night up to {night} is published")
    return found[-1]


def issue_report(
    settings: Settings,
    report_code: str,
    as_of: dt.date | None = None,
    now: dt.datetime | None = None,
) -> IssuedReport:
    """Issue a report on a published night.

    The same night and content again is the issue that there is. Anything else gets the next
    number; earlier issues stay. A report that is issued after its last day says so
    (``is_late``).

    Args:
        settings: of this installation.
        report_code: as in ``ref.report_calendar``.
        as_of: a published night; the last one unless given.
        now: the moment of issue; the clock's unless given.

    Raises:
        QuestionError: no such report, or its period begins after that night.
        NothingPublishedError: that night is not published.
        ReportFilesError: files of an earlier issue are gone and cannot be made as they were.
    """
    now = now or dt.datetime.now(LOCAL_ZONE)
    with open_published(settings) as warehouse:
        facts = _facts(warehouse, report_code, find_night(warehouse, as_of))
    files = _files(settings, facts)
    content = _content_sha256(files)
    with open_warehouse(settings.warehouse) as warehouse:
        known = _issued(warehouse, report_code)
        same = [
            issue
            for issue in known
            if (issue.content_sha256, issue.as_of_date) == (content, facts["as_of_date"])
        ]
        if same:
            issue = same[0]
        else:
            number = max((one.issue_number for one in known), default=0) + 1
            issue = IssuedReport(
                **{name: facts[name] for name in _OF_CALENDAR},
                issue_number=number,
                as_of_date=facts["as_of_date"],
                publication_id=facts["publication_id"],
                is_late=now.astimezone(LOCAL_ZONE).date() > facts["last_day_date"],
                issued_at=now,
                folder=f"{FOLDER}/{report_code}/{number}",
                delivery_count=len(facts["deliveries"]),
                figures_sha256=facts["figures_sha256"],
                content_sha256=content,
            )
            _record(warehouse, issue, files)
        for folder in _folders(settings, issue):
            _place(folder, files)
    complete_reports(settings)
    return issue


def complete_reports(settings: Settings) -> None:
    """Make whatever a killed run left out: folders of issued reports, and the readers' copy.

    Raises:
        ReportFilesError: files are gone and cannot be made as they were.
    """
    with open_warehouse(settings.warehouse) as warehouse:
        issued = _issued(warehouse)
        if issued and not _copy_knows(settings, issued):
            warehouse.publish_copy(settings.published)
        for issue in issued:
            missing = [folder for folder in _folders(settings, issue) if not folder.is_dir()]
            if missing:
                files = _files_as_issued(settings, issue)
                for folder in missing:
                    _place(folder, files)


def _folders(settings: Settings, issue: IssuedReport) -> tuple[Path, Path]:
    """The one for readers, and the copy in the landing."""
    return settings.published.parent / issue.folder, settings.landing / issue.folder


def _files_as_issued(settings: Settings, issue: IssuedReport) -> dict[str, bytes]:
    """From whichever folder holds them unchanged; else made again.

    Raises:
        ReportFilesError: neither gives what was issued.
    """
    for folder in _folders(settings, issue):
        if folder.is_dir():
            kept = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
            if _content_sha256(kept) == issue.content_sha256:
                return kept
    with open_published(settings) as published:
        facts = _facts(published, issue.report_code, issue.as_of_date)
    files = _files(settings, facts)
    if _content_sha256(files) != issue.content_sha256:
        raise ReportFilesError(
            f"{issue.folder} is not there, and this release would make other files of night"
            f" {issue.as_of_date}; restore it from a backup of the landing"
        )
    return files


def issue_line(issue: IssuedReport) -> str:
    """One sentence for people."""
    late = f", late: its last day was {issue.last_day_date}" if issue.is_late else ""
    return (
        f"{issue.folder}: {issue.report_code}, issue {issue.issue_number}, data as of"
        f" {issue.as_of_date}{late}"
    )


def read_issued_reports(settings: Settings) -> list[IssuedReport]:
    """All issues, the latest first; none where nothing is published yet."""
    try:
        with open_published(settings) as warehouse:
            if "report" not in warehouse.tables("audit"):  # published by an earlier release
                return []
            return _issued(warehouse)[::-1]
    except NothingPublishedError:
        return []


def changed_files(settings: Settings, issue: IssuedReport) -> list[str]:
    """Names of the issue's files that are gone or are not as they were issued."""
    with open_published(settings) as warehouse:
        rows = warehouse.rows(
            "select file_name, sha256 from audit.report_file"
            " where report_code = :code and issue_number = :number order by file_name",
            {"code": issue.report_code, "number": issue.issue_number},
        )
    folder = settings.published.parent / issue.folder
    return [
        row["file_name"]
        for row in rows
        if not (folder / row["file_name"]).is_file()
        or _sha256((folder / row["file_name"]).read_bytes()) != row["sha256"]
    ]


def _issued(warehouse: Warehouse, report_code: str | None = None) -> list[IssuedReport]:
    """Issues, the oldest first."""
    condition = "" if report_code is None else " where report_code = :code"
    rows = warehouse.rows(
        f"select {', '.join(_COLUMNS)} from audit.report{condition}"
        " order by issued_at, report_code, issue_number",
        {} if report_code is None else {"code": report_code},
    )
    return [IssuedReport(**row) for row in rows]


def _facts(warehouse: Warehouse, report_code: str, night: dt.date) -> dict[str, Any]:
    """The report's row of the calendar, and what the night rests on."""
    calendar = warehouse.rows(
        "select report_code, plan_code, title_vi, title_en, period_type, period_basis,"
        " period_start, period_end, last_day_date, sent_to_vi, source_clause"
        " from ref.report_calendar order by due_before_date, report_code"
    )
    found = next((row for row in calendar if row["report_code"] == report_code), None)
    if found is None:
        known = ", ".join(row["report_code"] for row in calendar)
        raise QuestionError(f"no report {report_code}; there are {known}")
    if found["period_start"] > night:
        raise QuestionError(
            f"report {report_code} is about {found['period_start']} to {found['period_end']};"
            f" night {night} is before that"
        )
    publication = warehouse.rows(
        "select publication_id, as_of_date, figures_sha256 from audit.publication"
        " where as_of_date = :night",
        {"night": night},
    )[0]
    deliveries = warehouse.rows(
        "select delivery_id, file_name, sha256, attempt from audit.delivery"
        " where state = 'loaded' and known_from <= :night order by delivery_id, attempt",
        {"night": night},
    )
    return {**found, **publication, "deliveries": deliveries}


def _files(settings: Settings, facts: Mapping[str, Any]) -> dict[str, bytes]:
    """What the issue consists of, by file name; the same night gives the same bytes."""
    night = facts["as_of_date"]
    files = {
        "report.json": json.dumps(
            facts, ensure_ascii=False, indent=1, sort_keys=True, default=str
        ).encode(),
        "scorecard.html": _scorecard_page(settings, facts),
        "indicators.csv": _indicators(settings, facts),
    }
    for form in ("json", "csv"):
        text = io.StringIO()
        print_scorecard(settings, "vi", night, form, text)
        files[f"scorecard.{form}"] = text.getvalue().encode()
    for unit in _whole_and_levels(settings, night):
        form_06a = read_form_06a(
            settings,
            unit,
            facts["period_start"],
            facts["period_end"],
            night,
            facts["period_basis"],
        )
        files[f"form-06a-{unit.lower()}.xlsx"] = form_06a_bytes(form_06a)
    return dict(sorted(files.items()))


def _scorecard_page(settings: Settings, facts: Mapping[str, Any]) -> bytes:
    lines = read_scorecard(settings, facts["as_of_date"])
    return frozen_scorecard(lines, facts["title_vi"]).encode()


_INDICATOR_COLUMNS = (
    "indicator_code, method_code, unit_code, unit_level, period_type, period_basis, period_start,"
    " numerator, denominator, value, target, comparison, status, coverage"
)


def _indicators(settings: Settings, facts: Mapping[str, Any]) -> bytes:
    """Every figure of the report's period and of the year so far, of every unit."""
    with open_published(settings) as warehouse:
        rows = warehouse.rows(
            f"select {_INDICATOR_COLUMNS} from mart.indicator_history"
            " where valid_from <= :night and (valid_to is null or valid_to > :night)"
            " and period_basis = :basis and ("
            "  (period_type = :type and period_start = :first)"
            "  or (period_type = 'year_to_date' and period_start ="
            "   cast(date_trunc('year', cast(:first as timestamp)) as date)))"
            " order by indicator_code, method_code, unit_code, period_type, period_start",
            {
                "night": facts["as_of_date"],
                "basis": facts["period_basis"],
                "type": facts["period_type"],
                "first": facts["period_start"],
            },
        )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = _INDICATOR_COLUMNS.replace(" ", "").split(",")
    writer.writerow([*columns, "document_number", "document_date", "as_of_date"])
    documents = {
        (line.indicator_code, line.method_code, line.unit_code): (
            line.document_number,
            line.document_date,
        )
        for line in read_scorecard(settings, facts["as_of_date"])
    }
    for row in rows:
        key = (row["indicator_code"], row["method_code"], row["unit_code"])
        cells = (*row.values(), *documents.get(key, (None, None)))
        writer.writerow([*(safe_cell(value) for value in cells), facts["as_of_date"]])
    return text.getvalue().encode()


def _whole_and_levels(settings: Settings, night: dt.date) -> list[str]:
    """The city, and the levels that have units that night."""
    with open_published(settings) as warehouse:
        rows = warehouse.rows(
            "select distinct unit_code from mart.form_06a_history"
            " where unit_scope = 'level' and unit_level <> 'unregistered'"
            " and valid_from <= :night and (valid_to is null or valid_to > :night)"
            " order by unit_code",
            {"night": night},
        )
    return ["CITY", *(row["unit_code"] for row in rows)]


def _content_sha256(files: Mapping[str, bytes]) -> str:
    listed = "".join(f"{_sha256(data)}  {name}\n" for name, data in sorted(files.items()))
    return _sha256(listed.encode())


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _record(warehouse: Warehouse, issue: IssuedReport, files: Mapping[str, bytes]) -> None:
    """Enter the issue and its files, in one transaction."""
    with warehouse.transaction():
        warehouse.execute(
            f"insert into audit.report ({', '.join(_COLUMNS)})"
            f" values ({', '.join(f':{name}' for name in _COLUMNS)})",
            asdict(issue),
        )
        for name, data in files.items():
            warehouse.execute(
                "insert into audit.report_file"
                " (report_code, issue_number, file_name, size_bytes, sha256)"
                " values (:code, :number, :name, :size, :sha256)",
                {
                    "code": issue.report_code,
                    "number": issue.issue_number,
                    "name": name,
                    "size": len(data),
                    "sha256": _sha256(data),
                },
            )


def _place(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put the folder in place, whole, unless it is there; one process at a time."""
    if folder.is_dir():
        return
    drafts = folder.parent / INCOMING
    shutil.rmtree(drafts, ignore_errors=True)  # left by a run that was killed
    draft = drafts / folder.name
    draft.mkdir(parents=True)
    for name, data in files.items():
        write_whole(draft / name, data, mode=READABLE)
    draft.rename(folder)
    sync(folder.parent)
    drafts.rmdir()


def _copy_knows(settings: Settings, issued: list[IssuedReport]) -> bool:
    """Whether the readers' copy lists all issues; where the engine has none, it always does."""
    if not engine_of(settings.warehouse).has_readers_copy:
        return True
    with open_published(settings) as copy:
        return "report" in copy.tables("audit") and len(_issued(copy)) == len(issued)


_HEADERS: dict[Language, tuple[str, ...]] = {
    "vi": ("Mã", "Báo cáo", "Lần", "Số liệu đến", "Ban hành", "Hạn cuối", "Tệp"),
    "en": ("Code", "Report", "Issue", "Data as of", "Issued", "Last day", "Files"),
}
_WORDS: dict[str, dict[Language, str]] = {
    "late": {"vi": "muộn", "en": "late"},
    "in_time": {"vi": "đúng hạn", "en": "in time"},
    "changed": {"vi": "BỊ SỬA: {names}", "en": "CHANGED: {names}"},
    "not_issued": {"vi": "chưa ban hành", "en": "not issued"},
}


def print_issued_reports(
    settings: Settings,
    lang: Language = "vi",
    form: OutputFormat = "table",
    file: TextIO | None = None,
) -> None:
    """Write the list of issued reports; the table also says which the calendar still awaits.

    Args:
        settings: of this installation.
        lang: of the table.
        form: ``table`` for people, ``json`` or ``csv`` for programs.
        file: where to; standard output unless told.
    """
    file = file or sys.stdout
    issued = read_issued_reports(settings)
    rows = [{**asdict(one), "changed_files": changed_files(settings, one)} for one in issued]
    if form == "json":
        json.dump(rows, file, ensure_ascii=False, indent=2, default=str)
        file.write("\n")
    elif form == "csv":
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*_COLUMNS, "changed_files"))
        for row in rows:
            writer.writerow(" ".join(x) if isinstance(x, list) else x for x in row.values())
    else:
        _print_table(settings, rows, lang, file)


def _print_table(
    settings: Settings, rows: list[dict[str, Any]], lang: Language, file: TextIO
) -> None:
    from rich import box  # noqa: PLC0415 - the machine formats do without it
    from rich.table import Table  # noqa: PLC0415 - idem

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in _HEADERS[lang]:
        table.add_column(header, overflow="fold")
    for row in rows:
        term = _WORDS["late" if row["is_late"] else "in_time"][lang]
        files = _WORDS["changed"][lang].format(names=", ".join(row["changed_files"]))
        table.add_row(
            row["report_code"],
            row[f"title_{lang}"],
            str(row["issue_number"]),
            day(row["as_of_date"], lang),
            f"{day(row['issued_at'].astimezone(LOCAL_ZONE).date(), lang)} ({term})",
            day(row["last_day_date"], lang),
            files if row["changed_files"] else row["folder"],
        )
    for row in _awaited(settings, {row["report_code"] for row in rows}):
        table.add_row(
            row["report_code"],
            row[f"title_{lang}"],
            "",
            "",
            _WORDS["not_issued"][lang],
            day(row["last_day_date"], lang),
            "",
        )
    with printed(file, page_width(file)) as console:
        console.print(table)


def _awaited(settings: Settings, issued: set[str]) -> Iterator[dict[str, Any]]:
    with open_published(settings) as warehouse:
        for row in warehouse.rows(
            "select * from ref.report_calendar order by last_day_date, report_code"
        ):
            if row["report_code"] not in issued:
                yield row
