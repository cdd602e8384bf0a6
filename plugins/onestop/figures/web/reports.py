"""A periodic report as issued: its files, and what later nights state for its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onestop.figures.decisions import report_decision_note
from onestop.figures.issued.revisions import read_usual_revisions, revision_sentences
from onestop.figures.web.site import PageQuestionError, figure_text
from onestop.record.issued_reports import IssuedReport, recorded_issues
from onestop.said import said

if TYPE_CHECKING:
    from pathlib import Path

    from onestop.figures.web.site import Visit
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

#: The file that an issue is opened with.
SCORECARD = "scorecard.html"


def read_report(warehouse: Warehouse, settings: Settings, visit: Visit) -> dict[str, Any]:
    """The values of ``report.html``.

    Args:
        warehouse: the published marts, open.
        settings: of this installation.
        visit: the request, with ``code`` and ``issue``.

    Raises:
        QuestionError: there is no such issue.
    """
    issue = find_issue(warehouse, visit.query.get("code", ""), visit.query.get("issue", ""))
    files = warehouse.rows(
        "select file_name, size_bytes, sha256 from audit.report_file"
        " where report_code = :code and issue_number = :number order by file_name",
        {"code": issue.report_code, "number": issue.issue_number},
    )
    folder = settings.published.parent / issue.folder
    for file in files:
        file["is_there"] = (folder / file["file_name"]).is_file()
    period = (issue.period_type, issue.period_basis, issue.period_start, issue.period_end)
    usual = read_usual_revisions(warehouse, period, issue.as_of_date)
    age = (issue.as_of_date - issue.period_end).days
    return {
        "issue": issue,
        "title": issue.title_vi if visit.lang == "vi" else issue.title_en,
        "decision": report_decision_note(
            warehouse, issue, visit.lang, names_people=visit.reads_record
        ),
        "files": files,
        "usual": revision_sentences(usual, age, visit.lang),
        "changes": read_changes_since(warehouse, issue, visit),
    }


def find_issue(warehouse: Warehouse, code: str, number: str) -> IssuedReport:
    """The issue of a report.

    Raises:
        QuestionError: there is no such issue.
    """
    if "report" in warehouse.tables("audit"):  # an earlier release had none
        for issue in recorded_issues(warehouse, code):
            if str(issue.issue_number) == number:
                return issue
    if not code:
        raise PageQuestionError("no report is chosen", remedy="the overview lists those issued")
    raise PageQuestionError(
        said("no issue {number} of report {code}", number=number or "-", code=code),
        remedy="the overview lists those issued",
    )


def issued_file(
    warehouse: Warehouse, settings: Settings, code: str, number: str, name: str
) -> Path:
    """A file of an issue, by the name in the record.

    Raises:
        QuestionError: there is no such issue, or it has no such file.
    """
    issue = find_issue(warehouse, code, number)
    known = warehouse.rows(
        "select file_name from audit.report_file where report_code = :code"
        " and issue_number = :number and file_name = :name",
        {"code": issue.report_code, "number": issue.issue_number, "name": name or SCORECARD},
    )
    if not known:
        raise PageQuestionError(said("{folder} has no file {name}", folder=issue.folder, name=name))
    return settings.published.parent / issue.folder / str(known[0]["file_name"])


def read_changes_since(
    warehouse: Warehouse, issue: IssuedReport, visit: Visit
) -> list[dict[str, Any]]:
    """The scorecard's figures of the report's period that later nights state differently."""
    if "report_revision" not in warehouse.relations("mart"):
        return []
    rows = warehouse.rows(
        f"select indicator.title_{visit.lang} as title, indicator.unit_of_measure,"
        f" level.label_{visit.lang} as unit, revision.indicator_code, revision.method_code,"
        " revision.unit_code, revision.period_start, revision.period_end, revision.valid_from,"
        " revision.issued_numerator, revision.issued_denominator, revision.issued_value,"
        " revision.numerator, revision.denominator, revision.value"
        " from mart.report_revision as revision"
        " inner join ref.indicator as indicator"
        " on revision.indicator_code = indicator.indicator_code"
        " and revision.method_code = indicator.scorecard_method"
        " inner join ref.unit_level as level on revision.unit_code = level.unit_code"
        " where revision.report_code = :code and revision.issue_number = :number"
        " and revision.valid_to is null and revision.unit_scope in ('city', 'level')"
        " and (revision.numerator <> revision.issued_numerator"
        " or revision.denominator <> revision.issued_denominator)"
        " order by indicator.position, level.position",
        {"code": issue.report_code, "number": issue.issue_number},
    )
    for row in rows:
        before = {
            "numerator": row["issued_numerator"],
            "denominator": row["issued_denominator"],
            "value": row["issued_value"],
        }
        row["text_issued"] = figure_text(before, row["unit_of_measure"], visit.lang)
        row["text_now"] = figure_text(row, row["unit_of_measure"], visit.lang)
    return rows
