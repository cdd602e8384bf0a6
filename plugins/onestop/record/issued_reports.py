"""``audit.report`` and ``audit.report_file``: issued reports and the digests of their files."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from onestop.record.decisions import record_decision

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping
    from pathlib import Path

    from onestop.record.decisions import Decision
    from onestop.warehouse import Warehouse


def is_before_end(night: dt.date, period_end: dt.date) -> bool:
    """Whether a period is not over on a night: its last day is over with its own night."""
    return night < period_end


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

    @property
    def is_provisional(self) -> bool:
        """Whether its period was not over on the night that its figures rest on."""
        return is_before_end(self.as_of_date, self.period_end)

    def folder_beside(self, published: Path) -> Path:
        """The folder of its files for readers, who find it beside their copy of the warehouse."""
        return published.parent / self.folder


ISSUE_COLUMNS = tuple(field.name for field in fields(IssuedReport))


def record_issue(
    warehouse: Warehouse,
    issue: IssuedReport,
    files: Mapping[str, bytes],
    decision: Decision | None = None,
) -> None:
    """Enter an issue and the digests of its files into the record, in one transaction.

    Args:
        warehouse: open for writing.
        issue: the issue.
        files: its files by name.
        decision: the one that they state, recorded with the issue unless it is on record.
    """
    with warehouse.transaction():
        if decision is not None:
            record_decision(warehouse, decision)
        warehouse.execute(
            f"insert into audit.report ({', '.join(ISSUE_COLUMNS)})"
            f" values ({', '.join(f':{name}' for name in ISSUE_COLUMNS)})",
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
                    "sha256": hashlib.sha256(data).hexdigest(),
                },
            )


def recorded_issues(warehouse: Warehouse, report_code: str | None = None) -> list[IssuedReport]:
    """The issues of one report, or of all reports; the oldest first."""
    condition = "" if report_code is None else " where report_code = :code"
    rows = warehouse.rows(
        f"select {', '.join(ISSUE_COLUMNS)} from audit.report{condition}"
        " order by issued_at, report_code, issue_number",
        {} if report_code is None else {"code": report_code},
    )
    return [IssuedReport(**row) for row in rows]


def recorded_digests(warehouse: Warehouse, issue: IssuedReport) -> dict[str, str]:
    """SHA-256 of each file of an issue, by file name."""
    rows = warehouse.rows(
        "select file_name, sha256 from audit.report_file"
        " where report_code = :code and issue_number = :number order by file_name",
        {"code": issue.report_code, "number": issue.issue_number},
    )
    return {row["file_name"]: row["sha256"] for row in rows}
