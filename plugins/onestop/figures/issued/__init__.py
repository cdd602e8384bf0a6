"""The plan's periodic reports (QĐ 3818 IV.1.c), each issued as a frozen, numbered publication.

``ref.report_calendar`` lists the reports and their deadlines. An issue gives the figures of one
published night. Its files are in ``reports/<report_code>/<number>/`` beside the readers' copy;
``audit.report`` and ``audit.report_file`` hold their digests. The record is written first, in one
transaction; the folders are made from it, and again whenever one is missing. A second copy is in
the landing, which is backed up.
"""

from __future__ import annotations

from onestop.figures.issued.issuing import (
    ReportFilesError,
    complete_reports,
    due_reports,
    issue_report,
    lacks_reason,
    last_night_up_to,
)
from onestop.figures.issued.listing import (
    changed_files,
    issue_line,
    print_issued_reports,
    provisional_lines,
    read_issued_reports,
)

__all__ = [
    "ReportFilesError",
    "changed_files",
    "complete_reports",
    "due_reports",
    "issue_line",
    "issue_report",
    "lacks_reason",
    "last_night_up_to",
    "print_issued_reports",
    "provisional_lines",
    "read_issued_reports",
]
