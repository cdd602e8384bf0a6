"""The list of issued reports, with a check whether their files are unchanged."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TextIO

from onestop.console import page_width, printed, write_csv
from onestop.figures.issued.revisions import read_usual_revisions, revision_sentences
from onestop.files import has_sha256
from onestop.marts.published import NothingPublishedError, open_published
from onestop.record.issued_reports import ISSUE_COLUMNS, recorded_digests, recorded_issues
from onestop.said import Said, said, said_both
from onestop.schema.number_text import day
from onestop.schema.time_zone import LOCAL_ZONE

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator
    from pathlib import Path

    from onestop.console import OutputFormat
    from onestop.record.issued_reports import IssuedReport
    from onestop.schema.number_text import Language
    from onestop.settings import Settings


def issue_line(settings: Settings, issue: IssuedReport, now: dt.datetime | None = None) -> Said:
    """The issue as one sentence for people.

    Args:
        settings: of this installation.
        issue: from :func:`onestop.figures.issued.issuing.issue_report`.
        now: the moment that was given to it; an issue of an earlier one is said to be that.
    """
    late = (
        said(
            ", late: its last day was {last_day_date}", last_day_date=_day_said(issue.last_day_date)
        )
        if issue.is_late
        else ""
    )
    provisional = (
        said(
            ", provisional: its period ends on {period_end}", period_end=_day_said(issue.period_end)
        )
        if issue.is_provisional
        else ""
    )
    existing = (
        said(
            "; nothing has changed, so this is the existing issue of {date}",
            date=_day_said(issue.issued_at.astimezone(LOCAL_ZONE).date()),
        )
        if now is not None and issue.issued_at < now
        else ""
    )
    return said(
        "{folder}: {report}, issue {issue_number}, data as of {as_of_date}{provisional}{late}"
        "{existing}",
        folder=issue.folder_beside(settings.published),
        report=said_both(vi=issue.title_vi, en=issue.title_en),
        issue_number=issue.issue_number,
        as_of_date=_day_said(issue.as_of_date),
        provisional=provisional,
        late=late,
        existing=existing,
    )


def _day_said(date: dt.date) -> Said:
    """A date as the tables and pages show it."""
    return said_both(vi=day(date, "vi"), en=day(date, "en"))


def provisional_lines(settings: Settings, issue: IssuedReport, lang: Language) -> list[str]:
    """How far figures such as those of an issue moved later, as sentences for people."""
    with open_published(settings) as warehouse:
        period = (issue.period_type, issue.period_basis, issue.period_start, issue.period_end)
        revisions = read_usual_revisions(warehouse, period, issue.as_of_date)
    return revision_sentences(revisions, (issue.as_of_date - issue.period_end).days, lang)


def read_issued_reports(settings: Settings) -> list[IssuedReport]:
    """All issues, the latest first; none where nothing is published yet."""
    try:
        with open_published(settings) as warehouse:
            if "report" not in warehouse.tables("audit"):  # published by an earlier release
                return []
            return recorded_issues(warehouse)[::-1]
    except NothingPublishedError:
        return []


def changed_files(settings: Settings, issue: IssuedReport) -> list[str]:
    """Names of the issue's files that are gone or are not as they were issued."""
    with open_published(settings) as warehouse:
        digests = recorded_digests(warehouse, issue)
    folder = issue.folder_beside(settings.published)
    return [
        name
        for name, sha256 in digests.items()
        if not (folder / name).is_file() or not has_sha256(folder / name, sha256)
    ]


_HEADERS: dict[Language, tuple[str, ...]] = {
    "vi": ("Mã", "Báo cáo", "Số liệu đến", "Ban hành", "Hạn cuối", "Tệp, lần"),
    "en": ("Code", "Report", "Data as of", "Issued", "Last day", "Files, issue"),
}
#: Widths that dates and the folder of an issue need: all columns fit into 80 characters, where
#: ``reports/half_year/1`` takes two lines.
_DATE_WIDTH, _FOLDER_WIDTH = 10, 12
_WORDS: dict[str, dict[Language, str]] = {
    "late": {"vi": "muộn", "en": "late"},
    "in_time": {"vi": "đúng hạn", "en": "in time"},
    "changed": {"vi": "BỊ SỬA: {names}", "en": "CHANGED: {names}"},
    "not_issued": {"vi": "chưa ban hành", "en": "not issued"},
    "within": {"vi": "Các tệp nằm trong {folder}", "en": "The files are below {folder}"},
}


def print_issued_reports(
    settings: Settings,
    lang: Language = "vi",
    form: OutputFormat = "table",
    file: TextIO | None = None,
) -> None:
    """Write the list of reports by their last day: the issues of each, or that it is still due.

    Args:
        settings: of this installation.
        lang: of the table.
        form: ``table`` for people, ``json`` or ``csv`` for programs.
        file: where to; defaults to standard output.
    """
    file = file or sys.stdout
    issued = read_issued_reports(settings)
    rows = [{**asdict(one), "changed_files": changed_files(settings, one)} for one in issued]
    rows += _awaited(settings, {one.report_code for one in issued})
    rows.sort(key=lambda row: (row["last_day_date"], row["report_code"], row["issue_number"]))
    within = settings.published.parent
    if form == "table":
        _print_table(rows, within, lang, file)
        return
    for row in rows:
        row["folder"] = row["folder"] and str(within / row["folder"])
    if form == "json":
        json.dump(rows, file, ensure_ascii=False, indent=2, default=str)
        file.write("\n")
    else:
        cells = (
            [" ".join(cell) if isinstance(cell, list) else cell for cell in row.values()]
            for row in rows
        )
        write_csv(file, (*ISSUE_COLUMNS, "changed_files"), cells)


def _print_table(rows: list[dict[str, Any]], folder: Path, lang: Language, file: TextIO) -> None:
    from rich import box  # noqa: PLC0415 - the machine formats do without it
    from rich.table import Table  # noqa: PLC0415 - idem

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    code, title, *dates, files_of = _HEADERS[lang]
    table.add_column(code, no_wrap=True)
    table.add_column(title, overflow="fold")
    for header in dates:
        table.add_column(header, min_width=_DATE_WIDTH)
    table.add_column(files_of, overflow="fold", min_width=_FOLDER_WIDTH)
    for row in rows:
        if row["issue_number"] is None:
            table.add_row(
                row["report_code"],
                row[f"title_{lang}"],
                "",
                _WORDS["not_issued"][lang],
                day(row["last_day_date"], lang),
                "",
            )
            continue
        term = _WORDS["late" if row["is_late"] else "in_time"][lang]
        files = _WORDS["changed"][lang].format(names=", ".join(row["changed_files"]))
        table.add_row(
            row["report_code"],
            row[f"title_{lang}"],
            day(row["as_of_date"], lang),
            f"{day(row['issued_at'].astimezone(LOCAL_ZONE).date(), lang)} ({term})",
            day(row["last_day_date"], lang),
            files if row["changed_files"] else row["folder"],
        )
    with printed(file, page_width(file)) as console:
        console.print(table)
        if any(row["folder"] for row in rows):
            console.print(
                _WORDS["within"][lang].format(folder=folder), markup=False, soft_wrap=True
            )


def _awaited(settings: Settings, issued: set[str]) -> Iterator[dict[str, Any]]:
    with open_published(settings) as warehouse:
        for row in warehouse.rows(
            "select * from ref.report_calendar order by last_day_date, report_code"
        ):
            if row["report_code"] not in issued:
                yield {name: row.get(name) for name in (*ISSUE_COLUMNS, "changed_files")}
