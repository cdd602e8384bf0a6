"""Issuing reports: finding the due ones, recording an issue, writing its folders."""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from onestop.errors import OneStopError
from onestop.figures.issued.content import content_sha256, issue_files, read_facts
from onestop.files import READABLE, sync, write_whole
from onestop.intake.landing import INCOMING
from onestop.marts.published import (
    NothingPublishedError,
    QuestionError,
    find_night,
    open_published,
    published_nights,
)
from onestop.record.decisions import (
    ACCEPTED,
    PROVISIONAL_REPORT,
    Decision,
    as_recorded,
    decision_on_report,
    keep_decisions,
    report_decision_count,
)
from onestop.record.issued_reports import (
    IssuedReport,
    record_issue,
    recorded_digests,
    recorded_issues,
)
from onestop.said import said
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.storage import is_shared, names_in
from onestop.warehouse import engine_of, open_warehouse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from onestop.figures.issued.content import ReportFacts
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

_FOLDER = "reports"


class ReportFilesError(OneStopError):
    """The files of an issued report are not there and cannot be made as they were."""


def due_reports(settings: Settings, night: dt.date) -> list[str]:
    """Reports that are due on the day after a night and were never issued.

    A report is due from its last working day in time (``last_workday_date``) until it is issued.

    Args:
        settings: of this installation.
        night: the night that has just ended.

    Returns:
        Their codes, the oldest deadline first; none before the first published night of their
        period.
    """
    with open_warehouse(settings.warehouse) as warehouse:
        last = warehouse.value(
            "select max(as_of_date) from audit.publication where as_of_date <= :night",
            {"night": night},
        )
        if last is None:  # the tables of ref are made by the first publication
            return []
        rows = warehouse.rows(
            "select calendar.report_code from ref.report_calendar as calendar"
            " where calendar.last_workday_date <= :today and calendar.period_start <= :last"
            " and not exists (select 1 from audit.report as issued"
            "  where issued.report_code = calendar.report_code)"
            " order by calendar.last_workday_date, calendar.report_code",
            {"last": last, "today": night + dt.timedelta(days=1)},
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
        raise NothingPublishedError(
            said("no night up to {night} is published", night=night),
            remedy="publish one with `onestop night`",
        )
    return found[-1]


def lacks_reason(settings: Settings, report_code: str, as_of: dt.date | None = None) -> bool:
    """Whether a report would be issued before its period is over, and nobody has decided that.

    Args:
        settings: of this installation.
        report_code: as in ``ref.report_calendar``.
        as_of: a published night; defaults to the last one.

    Raises:
        QuestionError: no such report, or its period begins after that night.
        NothingPublishedError: that night is not published.
    """
    with open_published(settings) as warehouse:
        facts = read_facts(warehouse, report_code, find_night(warehouse, as_of))
    if not facts.is_provisional:
        return False
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        facts = _with_decision(warehouse, facts, dt.datetime.now(LOCAL_ZONE))
    return facts.decision is None or facts.decision.answer != ACCEPTED


def issue_report(
    settings: Settings,
    report_code: str,
    as_of: dt.date | None = None,
    now: dt.datetime | None = None,
    *,
    because: str = "",
    decided_by: str | None = None,
) -> IssuedReport:
    """Issue a report on a published night.

    Unchanged content of the same night, with the same decision, gives the existing issue; otherwise
    the issue gets the next number. Earlier issues stay. ``is_late`` marks a report issued after its
    last day. The decision is recorded with the issue, once its files could be made.

    Args:
        settings: of this installation.
        report_code: as in ``ref.report_calendar``.
        as_of: a published night; defaults to the last one.
        now: the moment of issue; defaults to the clock's.
        because: why it is issued before its period is over, from
            :func:`onestop.decisions.checked_reason`: recorded as a decision, in the readers' copy
            at once, and stated in the issue's files.
        decided_by: who decided that.

    Raises:
        QuestionError: no such report, its period begins after that night, or ``because`` is given
            and its period was over on that night.
        NothingPublishedError: that night is not published.
        ReportFilesError: files of an earlier issue are gone and cannot be made as they were.
    """
    now = now or dt.datetime.now(LOCAL_ZONE)
    with open_published(settings) as warehouse:
        facts = read_facts(warehouse, report_code, find_night(warehouse, as_of))
    if because and not facts.is_provisional:
        raise QuestionError(
            said(
                "its period was over on {period_end}, so that night {night} needs no reason",
                period_end=facts.period_end,
                night=facts.as_of_date,
            ),
            subject=said("report {report_code}", report_code=report_code),
            remedy="leave out --because",
        )
    decision = None
    if because:
        decision = Decision(
            facts.as_of_date, PROVISIONAL_REPORT, report_code, ACCEPTED, because, decided_by, now
        )
    with open_warehouse(settings.warehouse) as warehouse:
        facts = (
            replace(facts, decision=as_recorded(warehouse, decision))
            if decision
            else _with_decision(warehouse, facts, now)
        )
    files = issue_files(settings, facts)
    content = content_sha256(files)
    with open_warehouse(settings.warehouse) as warehouse:
        known = recorded_issues(warehouse, report_code)
        same = [
            issue
            for issue in known
            if (issue.content_sha256, issue.as_of_date) == (content, facts.as_of_date)
        ]
        if same:
            issue = same[0]
        else:
            number = max((one.issue_number for one in known), default=0) + 1
            issue = _next_issue(facts, number, now, content)
            record_issue(warehouse, issue, files, decision)
        if facts.decision:
            keep_decisions(settings.landing, warehouse)  # should the warehouse be lost from here on
        for folder in _folders(settings, issue):
            _place(folder, files)
    complete_reports(settings)
    return issue


def _with_decision(warehouse: Warehouse, facts: ReportFacts, until: dt.datetime) -> ReportFacts:
    """The facts with the decision on the report that was recorded until then."""
    decision = decision_on_report(warehouse, facts.report_code, facts.as_of_date, until)
    return replace(facts, decision=decision)


def _next_issue(facts: ReportFacts, number: int, now: dt.datetime, content: str) -> IssuedReport:
    return IssuedReport(
        report_code=facts.report_code,
        issue_number=number,
        plan_code=facts.plan_code,
        title_vi=facts.title_vi,
        title_en=facts.title_en,
        period_type=facts.period_type,
        period_basis=facts.period_basis,
        period_start=facts.period_start,
        period_end=facts.period_end,
        as_of_date=facts.as_of_date,
        publication_id=facts.publication_id,
        last_day_date=facts.last_day_date,
        is_late=now.astimezone(LOCAL_ZONE).date() > facts.last_day_date,
        issued_at=now,
        folder=f"{_FOLDER}/{facts.report_code}/{number}",
        delivery_count=len(facts.deliveries),
        figures_sha256=facts.figures_sha256,
        content_sha256=content,
    )


def complete_reports(settings: Settings) -> None:
    """Make what a killed run left out: folders of issued reports, and copies of the record.

    The landing keeps the decisions on reports; the readers' copy has these and the issues.

    Raises:
        ReportFilesError: files are gone and cannot be made as they were.
    """
    with open_warehouse(settings.warehouse) as warehouse:
        issued = recorded_issues(warehouse)
        decisions = report_decision_count(warehouse)
        if decisions:
            keep_decisions(settings.landing, warehouse)
        if (issued or decisions) and not _is_in_copy(settings, issued, decisions):
            warehouse.publish_copy(settings.published)
        for issue in issued:
            names = recorded_digests(warehouse, issue).keys()
            missing = [
                folder
                for folder in _folders(settings, issue)
                if not (names <= names_in(folder) if is_shared(folder) else folder.is_dir())
            ]
            if missing:
                files = _files_as_issued(settings, warehouse, issue)
                for folder in missing:
                    _place(folder, files)


def _folders(settings: Settings, issue: IssuedReport) -> tuple[Path, Path]:
    """The folder for readers, and its copy in the landing."""
    return issue.folder_beside(settings.published), settings.landing / issue.folder


def _files_as_issued(
    settings: Settings, warehouse: Warehouse, issue: IssuedReport
) -> dict[str, bytes]:
    """The files of an issue: from a folder that holds them unchanged, or made again.

    Raises:
        ReportFilesError: neither gives what was issued.
    """
    for folder in _folders(settings, issue):
        if names := names_in(folder):
            kept = {name: (folder / name).read_bytes() for name in sorted(names)}
            if content_sha256(kept) == issue.content_sha256:
                return kept
    with open_published(settings) as published:
        facts = read_facts(published, issue.report_code, issue.as_of_date)
    facts = _with_decision(warehouse, facts, issue.issued_at)
    files = issue_files(settings, facts)
    if content_sha256(files) != issue.content_sha256:
        raise ReportFilesError(
            said(
                "the folder is not there, and this release would make other files of night"
                " {as_of_date}",
                as_of_date=issue.as_of_date,
            ),
            subject=issue.folder,
            remedy="restore it from a backup of the landing",
        )
    return files


def _place(folder: Path, files: Mapping[str, bytes]) -> None:
    """Create the folder with its files, in one rename; an existing one stays.

    On object storage each file appears by itself, and the record says which belong to the issue.
    One process at a time may do this.
    """
    if is_shared(folder):
        for name, data in files.items():
            write_whole(folder / name, data)
        return
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


def _is_in_copy(settings: Settings, issued: list[IssuedReport], decisions: int) -> bool:
    """Whether the readers' copy has all issues and decisions on them; True without a copy."""
    if not engine_of(settings.warehouse).has_readers_copy:
        return True
    with open_published(settings) as copy:
        return (
            "report" in copy.tables("audit")
            and len(recorded_issues(copy)) == len(issued)
            and report_decision_count(copy) == decisions
        )
