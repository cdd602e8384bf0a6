"""A periodic report as issued: its files, and what later nights state for its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onestop.figures.decisions import report_decision_note
from onestop.figures.issued.revisions import read_usual_revisions, revision_sentences
from onestop.figures.unit_names import label_column, unit_label
from onestop.figures.web.site import PageQuestionError, figure_text
from onestop.marts.published import find_night
from onestop.record.issued_reports import IssuedReport, recorded_issues
from onestop.said import said
from onestop.schema.reference import read_reference
from onestop.warehouse.base import quoted_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from onestop.figures.web.site import Visit
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

#: The file that an issue is opened with.
SCORECARD = "scorecard.html"
#: Of so many units with changed figures the names are shown.
UNITS_SHOWN = 20
#: What causes say of a period that ran on, as in ``part`` of ``ref.change_cause``.
PARTS = ("grown", "restated", "rules")
_SIDES = ("numerator", "denominator")


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
    folder = issue.folder_beside(settings.published)
    for file in files:
        file["is_there"] = (folder / file["file_name"]).is_file()
    period = (issue.period_type, issue.period_basis, issue.period_start, issue.period_end)
    usual = read_usual_revisions(warehouse, period, issue.as_of_date)
    age = (issue.as_of_date - issue.period_end).days
    changes = read_changes_since(warehouse, issue, visit)
    if issue.is_provisional:
        _add_growth(warehouse, issue, changes)
    later = [
        each
        for each in recorded_issues(warehouse, issue.report_code)
        if each.issue_number > issue.issue_number
    ]
    return {
        "issue": issue,
        "later": max(later, key=lambda each: each.issue_number, default=None),
        "night": find_night(warehouse, None),
        "title": issue.title_vi if visit.lang == "vi" else issue.title_en,
        "decision": report_decision_note(
            warehouse, issue, visit.lang, names_people=visit.reads_record
        ),
        "files": files,
        "usual": revision_sentences(usual, age, visit.lang),
        "changes": changes,
        "others": read_other_changes(warehouse, issue, changes, visit),
        "units_shown": UNITS_SHOWN,
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
    return issue.folder_beside(settings.published) / str(known[0]["file_name"])


#: Whether a later night states another figure than the one that was issued.
_DIFFERS = (
    "(revision.numerator is distinct from revision.issued_numerator"
    " or revision.denominator is distinct from revision.issued_denominator"
    " or revision.value is distinct from revision.issued_value)"
)
_SAME_FIGURE = " and ".join(
    f"{{history}}.{column} = revision.{column}"
    for column in (
        *("indicator_code", "method_code", "unit_code"),
        *("period_type", "period_basis", "period_start"),
    )
)
#: The issued figures that the last night states differently, each with both verdicts.
_CHANGED = (
    "mart.report_revision as revision inner join mart.indicator_history as was"
    f" on {_SAME_FIGURE.format(history='was')} and was.valid_from <= revision.issued_night"
    " and (was.valid_to is null or was.valid_to > revision.issued_night)"
    " inner join mart.indicator_history as is_now"
    f" on {_SAME_FIGURE.format(history='is_now')} and is_now.valid_from = revision.valid_from"
)
_OF_ISSUE = (
    "revision.report_code = :code and revision.issue_number = :number"
    f" and revision.valid_to is null and {_DIFFERS}"
)
#: Whether the verdict turned: the target was met and is not, or was not and is.
_TURNED = "(was.status <> is_now.status and is_now.status in ('met', 'not_met'))"


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
        " first_time.differs_from, revision.issued_numerator, revision.issued_denominator,"
        " revision.issued_value, revision.numerator, revision.denominator, revision.value,"
        f" is_now.status, {_TURNED} as is_turned"
        f" from {_CHANGED}"
        " inner join (select indicator_code, method_code, unit_code,"
        " min(valid_from) as differs_from from mart.report_revision as revision"
        f" where report_code = :code and issue_number = :number and {_DIFFERS}"
        " group by indicator_code, method_code, unit_code) as first_time"
        " on revision.indicator_code = first_time.indicator_code"
        " and revision.method_code = first_time.method_code"
        " and revision.unit_code = first_time.unit_code"
        " inner join ref.indicator as indicator"
        " on revision.indicator_code = indicator.indicator_code"
        " and revision.method_code = indicator.scorecard_method"
        " inner join ref.unit_level as level on revision.unit_code = level.unit_code"
        f" where {_OF_ISSUE} and revision.unit_scope in ('city', 'level')"
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


def causes_by_part() -> dict[str, list[str]]:
    """The causes of each part, as this release has them: an earlier one may have published last."""
    rows = read_reference()["change_cause"]
    return {part: [str(row["cause_code"]) for row in rows if row["part"] == part] for part in PARTS}


def _parts_since() -> str:
    """SELECT of the changes of each figure of a period since a night, by :data:`PARTS`."""
    sums = {}
    for part, causes in causes_by_part().items():
        listed = ", ".join(map(quoted_text, causes))
        for side in _SIDES:
            changes = f"case when cause_code in ({listed}) then {side}_change else 0 end"
            sums[f"{part}_{side}"] = f"cast(sum({changes}) as bigint)"
    restated = " or ".join(f"{sums[f'restated_{side}']} <> 0" for side in _SIDES)
    return (
        "select indicator_code, method_code, unit_code, "
        + ", ".join(f"{total} as {name}" for name, total in sums.items())
        + f", {restated} as is_restated"
        " from mart.night_change where as_of_date > :night and period_type = :type"
        " and period_basis = :basis and period_start = :start"
        " group by indicator_code, method_code, unit_code"  # a code may have changed its scope
    )


def _add_growth(
    warehouse: Warehouse, issue: IssuedReport, changes: Sequence[dict[str, Any]]
) -> None:
    """Tell apart the changes of a period that ran on, by :data:`PARTS`.

    Args:
        warehouse: the published marts, open.
        issue: the issue.
        changes: of :func:`read_changes_since`. Each gets ``parts``: the changes of numerator and
            denominator by each part; None where their causes do not add up to the change. And
            ``is_restated``: whether data of before is stated otherwise.
    """
    causes = warehouse.rows(
        f"select * from ({_parts_since()}) as cause"
        " where unit_code in (select unit_code from ref.unit_level)",
        {
            "night": issue.as_of_date,
            "type": issue.period_type,
            "basis": issue.period_basis,
            "start": issue.period_start,
        },
    )
    key = ("indicator_code", "method_code", "unit_code")
    found = {tuple(row[name] for name in key): row for row in causes}
    for row in changes:
        cause = found.get(tuple(row[name] for name in key), {})
        parts = [
            (cause.get(f"{name}_numerator", 0), cause.get(f"{name}_denominator", 0))
            for name in PARTS
        ]
        whole = tuple(
            (row[side] or 0) - (row[f"issued_{side}"] or 0) for side in ("numerator", "denominator")
        )
        adds_up = tuple(map(sum, zip(*parts, strict=True))) == whole
        row["parts"] = parts if adds_up else None
        row["is_restated"] = cause.get("is_restated", False)


def read_other_changes(
    warehouse: Warehouse, issue: IssuedReport, shown: Sequence[Mapping[str, Any]], visit: Visit
) -> dict[str, Any]:
    """The changed figures beside those shown: of units and by other methods.

    Args:
        warehouse: the published marts, open.
        issue: the issue.
        shown: the rows of :func:`read_changes_since`.
        visit: the request.

    Returns:
        How many ``figures`` and ``turned`` verdicts there are, and the ``units`` of them, those
        with turned verdicts first, each with its counts, among them ``restated_figures``, those
        that data of before moved, too, and the last night that restated the period,
        ``restated``: None while the period goes on.
    """
    if "report_revision" not in warehouse.relations("mart"):
        return {"figures": 0, "turned": 0, "units": []}
    coordinates = {
        "code": issue.report_code,
        "number": issue.issue_number,
        "type": issue.period_type,
        "basis": issue.period_basis,
        "start": issue.period_start,
        "night": issue.as_of_date,
    }
    units = warehouse.rows(
        f"select changed.unit_code, coalesce(unit.{label_column(warehouse)}, changed.unit_code)"
        " as unit_name,"
        " unit.unit_code is not null as has_page,"
        " changed.figures, changed.turned, changed.restated_figures, restated.restated"
        " from (select revision.unit_code, count(*) as figures,"
        f" count(case when {_TURNED} then 1 end) as turned,"
        " count(case when cause.is_restated then 1 end) as restated_figures"
        f" from {_CHANGED} left join ({_parts_since()}) as cause"
        " on revision.indicator_code = cause.indicator_code"
        " and revision.method_code = cause.method_code and revision.unit_code = cause.unit_code"
        f" where {_OF_ISSUE} group by revision.unit_code) as changed"
        " left join mart.unit as unit on changed.unit_code = unit.unit_code"
        " left join (select unit_code, max(restated_night) as restated from mart.restatement"
        " where period_type = :type and period_basis = :basis and period_start = :start"
        " and field_code = 'ALL' and restated_night > :night group by unit_code) as restated"
        " on changed.unit_code = restated.unit_code"
        " order by changed.turned desc, changed.figures desc, changed.unit_code",
        coordinates,
    )
    for unit in units:
        of_unit = [row for row in shown if row["unit_code"] == unit["unit_code"]]
        unit["figures"] -= len(of_unit)
        unit["turned"] -= sum(1 for row in of_unit if row["is_turned"])
        unit["restated_figures"] -= sum(1 for row in of_unit if row.get("is_restated"))
        unit["unit_name"] = unit_label(unit["unit_code"], unit["unit_name"], visit.lang)
    units = [unit for unit in units if unit["figures"]]
    return {
        "figures": sum(unit["figures"] for unit in units),
        "turned": sum(unit["turned"] for unit in units),
        "units": units,
    }
