"""The plan's periodic reports: due by the calendar, issued once, numbered, frozen, complete."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import re
import shutil

import pytest
from openpyxl import load_workbook
from published_marts import settings_in
from recorded_world import put_record
from second_worked_set import second_world
from typer.testing import CliRunner
from web_site import browser

from onestop.cli import app
from onestop.console import CSV_ENCODING
from onestop.decisions import decide_on_report
from onestop.figures.decisions import decision_notes
from onestop.figures.issued import (
    ReportFilesError,
    changed_files,
    complete_reports,
    due_reports,
    issue_line,
    issue_report,
    issuing,
    lacks_reason,
    last_night_up_to,
    print_issued_reports,
    read_issued_reports,
)
from onestop.marts.compute import compute_marts
from onestop.marts.publish import publish_marts
from onestop.marts.published import NothingPublishedError, QuestionError, open_published
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.warehouse import open_warehouse

FIRST, SECOND, THIRD = (dt.date(2022, 3, day) for day in (7, 8, 9))
IN_TIME = dt.datetime(2022, 3, 9, 7, 30, tzinfo=LOCAL_ZONE)
LATE = dt.datetime(2022, 3, 10, 7, 30, tzinfo=LOCAL_ZONE)
FILES = [
    "form-06a-city.xlsx",
    "form-06a-commune.xlsx",
    "form-06a-department.xlsx",
    "form-06a-district.xlsx",
    "indicators.csv",
    "report.json",
    "scorecard.csv",
    "scorecard.html",
    "scorecard.json",
]


def publish_before_the_quarter_s_report(folder, _):
    settings = settings_in(folder)
    with open_warehouse(settings.warehouse) as warehouse:
        put_record(warehouse, second_world())
        for night in (FIRST, SECOND):
            compute_marts(warehouse, night)
            publish_marts(warehouse, night)
        warehouse.publish_copy(settings.published)


@pytest.fixture(scope="module")
def two_nights(kept, tmp_path_factory):
    """Two published nights before the first quarter's report is due."""
    return kept.copy(publish_before_the_quarter_s_report, tmp_path_factory.mktemp("two") / "var")


@pytest.fixture
def settings(two_nights, tmp_path):
    """A copy that the test may change."""
    mine = settings_in(tmp_path)
    mine.published.parent.mkdir()
    shutil.copy(two_nights.published, mine.published)
    shutil.copy(two_nights.published, tmp_path / "warehouse.duckdb")
    (tmp_path / "warehouse.duckdb").chmod(0o644)
    return mine


@pytest.fixture(scope="module")
def issued_once(two_nights, tmp_path_factory):
    """The first quarter's report, issued in time on the second night."""
    folder = tmp_path_factory.mktemp("issued")
    mine = settings_in(folder)
    mine.published.parent.mkdir()
    shutil.copy(two_nights.published, mine.published)
    shutil.copy(two_nights.published, folder / "warehouse.duckdb")
    (folder / "warehouse.duckdb").chmod(0o644)
    return folder, issue_report(mine, "q1", now=IN_TIME)


@pytest.fixture
def issued(issued_once, tmp_path):
    """A copy of that installation that the test may change, and the issue."""
    shutil.copytree(issued_once[0], tmp_path / "mine")
    return settings_in(tmp_path / "mine"), issued_once[1]


def folder_of(settings, issue):
    return settings.published.parent / issue.folder


def contents(settings):
    """All files of all reports, by name."""
    reports = settings.published.parent / "reports"
    return {
        str(path.relative_to(reports)): path.read_bytes()
        for path in sorted(reports.rglob("*"))
        if path.is_file()
    }


def recorded(settings):
    with open_warehouse(settings.warehouse) as warehouse:
        return warehouse.rows("select * from audit.report order by report_code, issue_number")


def test_the_reason_of_an_issue_before_the_period_is_over_is_on_record_and_shown_at_once(issued):
    settings, issue = issued
    again = issue_report(settings, "q1", now=IN_TIME, because="mới có quý II", decided_by="duty")
    assert again.issue_number == issue.issue_number + 1  # it states the decision
    with open_published(settings) as readers:
        [note] = decision_notes(readers, SECOND, "en")
    assert note == (
        "Decision: Report for Q1 2022 is issued before its period is over (duty, 9 Mar 2022):"
        " mới có quý II"
    )
    [kept] = (settings.landing / "decisions").iterdir()
    assert json.loads(kept.read_text("utf-8"))["because"] == "mới có quý II"
    facts = json.loads((folder_of(settings, again) / "report.json").read_text("utf-8"))
    assert facts["decision"] == {
        "answer": "accepted",
        "because": "mới có quý II",
        "decided_at": IN_TIME.isoformat(),
        "is_answered_by_a_person": True,
    }
    shown = (folder_of(settings, again) / "scorecard.html").read_text("utf-8")
    assert "Quyết định ban hành khi kỳ chưa hết (09/03/2022): mới có quý II" in shown
    notes = json.loads((folder_of(settings, again) / "scorecard.json").read_text("utf-8"))
    assert notes["decisions"] == ["Quyết định ban hành khi kỳ chưa hết (09/03/2022): mới có quý II"]
    for path in folder_of(settings, again).iterdir():  # every reader sees the files
        assert b"duty" not in path.read_bytes()
    first = json.loads((folder_of(settings, issue) / "report.json").read_text("utf-8"))
    assert first["decision"] is None


def test_an_issue_with_a_decision_is_made_once_and_made_again_as_it_was(issued):
    settings, _ = issued
    given = {"because": "mới có quý II", "decided_by": "duty"}
    made = issue_report(settings, "q1", now=IN_TIME, **given)
    assert issue_report(settings, "q1", now=LATE, **given) == made
    before = contents(settings)
    issue_report(settings, "q1", now=LATE, because="vẫn ban hành", decided_by="duty")
    for folder in (folder_of(settings, made), settings.landing / made.folder):
        shutil.rmtree(folder)
    complete_reports(settings)
    assert {name: contents(settings)[name] for name in before} == before


def test_the_page_of_a_report_issued_early_says_so_with_the_decision_of_that_issue(issued):
    settings, _ = issued
    issue = issue_report(settings, "q1", now=IN_TIME, because="mới có quý II", decided_by="duty")
    issue_report(settings, "q1", FIRST, now=IN_TIME)
    auditor, reader = (browser(settings, reads_record=may) for may in (True, False))

    def page(client, number, lang):
        asked = {"code": "q1", "issue": number, "lang": lang}
        return client.get("/report", params=asked).text.replace("\xa0", " ")

    provisional = {
        "vi": "Số liệu đến hết ngày 08/03/2022; kỳ hết ngày 31/03/2022.",
        "en": "They are as of the end of 8 Mar 2022; the period ends on 31 Mar 2022.",
    }
    decision = {
        "vi": "Quyết định ban hành khi kỳ chưa hết (duty, 09/03/2022): mới có quý II",
        "en": "Decision to issue it before its period was over (duty, 9 Mar 2022): mới có quý II",
    }
    for lang in ("vi", "en"):
        shown = page(auditor, issue.issue_number, lang)
        assert provisional[lang] in shown
        assert decision[lang] in shown
        hidden = page(reader, issue.issue_number, lang)
        assert decision[lang].replace("duty, ", "") in hidden, "logins are for auditors"
        other = page(auditor, 3, lang)  # rests on another night, about which nobody decided
        assert provisional[lang].replace("08/03", "07/03").replace("8 Mar", "7 Mar") in other
        assert "mới có quý II" not in other
    assert auditor.get("/publications").text.count("tạm tính: kỳ chưa hết") == 3
    assert auditor.get("/").text.count("tạm tính: kỳ chưa hết") == 3


def test_the_pages_of_the_issues_of_one_night_show_the_decisions_that_their_files_state(issued):
    settings, _ = issued  # its issue states none
    soon = IN_TIME + dt.timedelta(minutes=5)
    for now, reason in ((soon, "mới có quý II"), (LATE, "vẫn ban hành")):
        issue_report(settings, "q1", now=now, because=reason, decided_by="duty")
    client = browser(settings, reads_record=False)
    shown = []
    for issue in recorded(settings):
        folder = settings.published.parent / issue["folder"]
        page = client.get("/report", params={"code": "q1", "issue": issue["issue_number"]}).text
        notes = json.loads((folder / "scorecard.json").read_text("utf-8"))["decisions"]
        assert re.findall(r"Quyết định [^<]+", page.replace("\xa0", " ")) == notes
        shown.append(notes)
    assert shown == [
        [],
        ["Quyết định ban hành khi kỳ chưa hết (09/03/2022): mới có quý II"],
        ["Quyết định ban hành khi kỳ chưa hết (10/03/2022): vẫn ban hành"],
    ]


@pytest.mark.parametrize("last_day", [FIRST, SECOND])
def test_a_period_that_is_over_needs_no_reason(settings, last_day):
    with open_warehouse(f"duckdb:///{settings.published}") as warehouse:
        warehouse.execute(
            "update ref.report_calendar set period_end = :day where report_code = 'q1'",
            {"day": last_day},
        )
    with pytest.raises(QuestionError) as refused:
        issue_report(settings, "q1", now=IN_TIME, because="mới có quý II", decided_by="duty")
    assert str(refused.value) == (
        f"report q1: its period was over on {last_day}, so that night 2022-03-08 needs no reason;"
        " leave out --because"
    )
    assert refused.value.in_language("vi") == (
        f"báo cáo q1: kỳ đã hết vào ngày {last_day}, nên đêm 2022-03-08 không cần lý do;"
        " bỏ --because"
    )
    assert recorded(settings) == []
    with open_warehouse(settings.warehouse) as warehouse:
        assert warehouse.value("select count(*) from audit.decision") == 0
    assert not (settings.landing / "decisions").exists()
    assert not issue_report(settings, "q1", now=IN_TIME).is_provisional


def test_a_report_is_an_issue_with_its_night_its_files_and_their_digests(issued):
    settings, issue = issued
    assert (issue.issue_number, issue.as_of_date, issue.folder) == (1, SECOND, "reports/q1/1")
    assert (issue.period_start, issue.period_end) == (dt.date(2022, 1, 1), dt.date(2022, 3, 31))
    assert not issue.is_late
    folder = folder_of(settings, issue)
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o444}
    with open_warehouse(settings.warehouse) as warehouse:
        rows = warehouse.rows("select file_name, size_bytes, sha256 from audit.report_file")
        digest = warehouse.value(
            "select figures_sha256 from audit.publication where as_of_date = :night",
            {"night": SECOND},
        )
    assert {row["file_name"]: (row["size_bytes"], row["sha256"]) for row in rows} == {
        path.name: (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in folder.iterdir()
    }
    assert issue.figures_sha256 == digest
    facts = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert facts["figures_sha256"] == digest
    assert len(facts["deliveries"]) == issue.delivery_count


def test_the_files_of_a_report_hold_the_figures_of_its_night(settings):
    folder = folder_of(settings, issue_report(settings, "q1", FIRST, IN_TIME))
    scorecard = json.loads((folder / "scorecard.json").read_text(encoding="utf-8"))
    assert scorecard["as_of_date"] == "2022-03-07"
    page = (folder / "scorecard.html").read_text(encoding="utf-8")
    assert "Báo cáo Quý I năm 2022: 01/01/2022 – 31/03/2022" in page
    facts = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert facts["figures_sha256"] in page
    assert "07/03/2022" in page
    assert "href" not in page
    sheet = load_workbook(folder / "form-06a-city.xlsx")["II.06a"]
    texts = [str(cell.value) for row in sheet.iter_rows() for cell in row if cell.value]
    assert "Kỳ báo cáo: Quý I/2022" in texts
    assert any("Số liệu tạm tính đến hết ngày 07/03/2022" in text for text in texts), texts
    rows = list(csv.DictReader(io.StringIO((folder / "indicators.csv").read_text(CSV_ENCODING))))
    assert {row["as_of_date"] for row in rows} == {"2022-03-07"}
    assert {row["period_type"] for row in rows} == {"quarter", "year_to_date"}
    assert {row["firmness"] for row in rows} <= {"", "met_by_all", "met_by_none", "depends"}
    assert all(bool(row["turned_by"]) == (row["firmness"] == "depends") for row in rows)
    assert any(row["firmness"] for row in rows)
    [rate] = [
        row
        for row in rows
        if (row["indicator_code"], row["method_code"], row["unit_code"], row["period_type"])
        == ("on_time_rate", "form_06", "CITY", "quarter")
    ]
    with open_warehouse(settings.warehouse) as warehouse:
        [form] = warehouse.rows(
            "select resolved_early + resolved_on_time as good, resolved_total"
            " from mart.form_06a_history where unit_code = 'CITY' and field_code = 'ALL'"
            " and period_type = 'quarter' and period_basis = 'calendar'"
            " and period_start = date '2022-01-01' and valid_from = :night",
            {"night": FIRST},
        )
    assert form["resolved_total"] > 0
    assert (int(rate["numerator"]), int(rate["denominator"])) == tuple(form.values())


def test_issuing_the_same_report_again_changes_nothing(issued):
    settings, first = issued
    before = contents(settings)
    again = issue_report(settings, "q1", now=LATE)
    assert again == first
    assert contents(settings) == before
    existing = "nothing has changed, so this is the existing issue of 9 Mar 2022"
    assert existing in issue_line(settings, again, LATE)
    assert existing not in issue_line(settings, first, IN_TIME)
    assert len(recorded(settings)) == 1


def test_a_report_issued_again_on_another_night_gets_the_next_number(issued):
    settings, first = issued
    before = contents(settings)
    second = issue_report(settings, "q1", FIRST, IN_TIME)
    assert (first.issue_number, second.issue_number) == (1, 2)
    after = contents(settings)
    assert {name: after[name] for name in before} == before
    assert [issue.issue_number for issue in read_issued_reports(settings)] == [2, 1]


def test_a_report_is_due_from_its_last_working_day_until_it_is_issued(settings):
    # the third quarter's report is not due: no night of its period was published
    due = {
        dt.date(2022, 3, 7): [],
        dt.date(2022, 3, 8): ["q1"],
        dt.date(2022, 3, 20): ["q1"],
        dt.date(2022, 6, 8): ["q1", "half_year"],
        dt.date(2022, 11, 30): ["q1", "half_year"],
        dt.date(2022, 12, 1): ["q1", "half_year", "year"],
    }
    assert {night: due_reports(settings, night) for night in due} == due
    issue_report(settings, "q1", now=IN_TIME)
    for night, codes in due.items():
        assert due_reports(settings, night) == [code for code in codes if code != "q1"]


def test_before_the_first_publication_nothing_is_due(tmp_path):
    assert due_reports(settings_in(tmp_path), dt.date(2022, 12, 1)) == []


def test_a_report_issued_after_its_last_day_is_marked_late(settings):
    issue = issue_report(settings, "q1", now=LATE)
    assert issue.is_late
    assert "late: its last day was 9 Mar 2022" in issue_line(settings, issue)
    page = io.StringIO()
    print_issued_reports(settings, "vi", file=page)
    assert "muộn" in page.getvalue()


def test_a_report_uses_the_last_night_published_by_its_date(settings):
    assert last_night_up_to(settings, FIRST) == FIRST
    assert last_night_up_to(settings, dt.date(2022, 3, 20)) == SECOND
    with pytest.raises(NothingPublishedError):
        last_night_up_to(settings, FIRST - dt.timedelta(days=1))


class Killed(BaseException):
    """Stands for the end of the process."""


#: Functions of the module before or after which a run is killed.
STEPS = ["record_issue", "_place"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
def test_a_run_killed_at_any_step_and_repeated_issues_one_report(
    settings, monkeypatch, step, is_done
):
    undisturbed = getattr(issuing, step)

    def die(*arguments):
        if is_done:
            undisturbed(*arguments)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(issuing, step, die)
        with pytest.raises(Killed):
            issue_report(settings, "q1", now=IN_TIME)
    complete_reports(settings)
    issue = issue_report(settings, "q1", now=LATE)
    assert len(recorded(settings)) == 1
    assert sorted(contents(settings)) == [f"q1/1/{name}" for name in FILES]
    assert changed_files(settings, issue) == []
    assert read_issued_reports(settings) == [issue]
    assert issue.is_late == (not is_done and step == "record_issue")


def test_a_run_killed_while_writing_files_leaves_no_partial_report(settings, monkeypatch):
    def die(_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("onestop.files.os.fsync", die)
        with pytest.raises(Killed):
            issue_report(settings, "q1", now=IN_TIME)
    assert not (settings.published.parent / "reports" / "q1" / "1").exists()
    complete_reports(settings)
    assert sorted(contents(settings)) == [f"q1/1/{name}" for name in FILES]


def test_files_that_were_changed_or_removed_are_named(issued):
    settings, issue = issued
    folder = folder_of(settings, issue)
    assert changed_files(settings, issue) == []
    (folder / "scorecard.csv").unlink()
    (folder / "report.json").chmod(0o644)
    (folder / "report.json").write_text("{}")
    assert changed_files(settings, issue) == ["report.json", "scorecard.csv"]
    page = io.StringIO()
    print_issued_reports(settings, "en", file=page)
    assert "CHANGED" in page.getvalue()


def test_a_missing_report_folder_is_restored_from_the_landing_under_any_release(
    issued, monkeypatch
):
    settings, issue = issued
    before = contents(settings)
    shutil.rmtree(folder_of(settings, issue))
    monkeypatch.setattr(issuing, "issue_files", lambda *_: {"other.txt": b"of another release"})
    complete_reports(settings)
    assert contents(settings) == before
    shutil.rmtree(settings.landing / issue.folder)
    complete_reports(settings)
    assert changed_files(settings, issue) == []
    assert (settings.landing / issue.folder / "report.json").is_file()


def test_report_files_that_cannot_be_restored_exactly_are_not_written(issued):
    settings, issue = issued
    with open_warehouse(settings.warehouse) as warehouse:
        warehouse.execute("update audit.report set content_sha256 = 'of another release'")
        warehouse.publish_copy(settings.published)
    shutil.rmtree(folder_of(settings, issue))
    shutil.rmtree(settings.landing / issue.folder)
    with pytest.raises(ReportFilesError, match="restore it from a backup"):
        complete_reports(settings)
    assert not folder_of(settings, issue).exists()


def test_an_unknown_report_is_an_error_that_names_the_known_ones(settings):
    with pytest.raises(QuestionError, match="no report q2; there are q1, half_year, q3, year"):
        issue_report(settings, "q2")
    with pytest.raises(QuestionError, match="night 2022-03-08 is before that"):
        issue_report(settings, "q3")
    with pytest.raises(NothingPublishedError):
        issue_report(settings, "q1", dt.date(2022, 3, 9))


@pytest.mark.parametrize("form", ["json", "csv"])
def test_issued_reports_are_listed_as_json_and_csv(issued, form):
    settings, _ = issued
    text = io.StringIO()
    print_issued_reports(settings, form=form, file=text)
    if form == "json":
        rows = json.loads(text.getvalue())
    else:
        rows = list(csv.DictReader(io.StringIO(text.getvalue())))
    assert [row["report_code"] for row in rows] == ["q1", "half_year", "q3", "year"]
    assert rows[0]["folder"] == str(settings.published.parent / "reports" / "q1" / "1")
    assert re.fullmatch("[0-9a-f]{64}", rows[0]["content_sha256"])
    assert [row["last_day_date"] for row in rows][1:] == ["2022-06-09", "2022-09-09", "2022-12-04"]
    assert not any(row["issue_number"] or row["folder"] for row in rows[1:])


def test_reports_are_listed_by_their_last_day_whenever_they_were_issued(issued):
    settings, _ = issued
    issue_report(settings, "half_year", FIRST, IN_TIME, because="asked for", decided_by="duty")
    issue_report(settings, "q1", FIRST, LATE)
    text = io.StringIO()
    print_issued_reports(settings, form="json", file=text)
    listed = [(row["report_code"], row["issue_number"]) for row in json.loads(text.getvalue())]
    assert listed == [("q1", 1), ("q1", 2), ("half_year", 1), ("q3", None), ("year", None)]


def test_a_page_of_80_characters_shows_the_whole_folder_of_an_issue(issued, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    page = io.StringIO()
    print_issued_reports(issued[0], "en", file=page)
    lines = page.getvalue().splitlines()
    header = next(line for line in lines if "Files, issue" in line)
    cells = [line[header.index("Files, issue") :].strip() for line in lines]
    assert "reports/q1/1" in "".join(cells)
    assert max(map(len, lines[:-1])) <= 80
    assert lines[-1] == f"The files are below {issued[0].published.parent}"


def test_the_command_issues_and_lists_reports_and_names_the_known_codes(
    settings, monkeypatch, tmp_path
):
    monkeypatch.setenv("ONESTOP_VAR", str(tmp_path))
    run = CliRunner()
    asked = ["report", "issue", "q1", "--as-of", "2022-03-07"]
    issued = run.invoke(app, [*asked, "--because", "only the first quarter"])
    assert issued.exit_code == 0, issued.output
    folder = settings.published.parent / "reports/q1/1"
    facts = "data as of 7 Mar 2022, provisional: its period ends on 31 Mar 2022, late"
    assert f"{folder}: Report for Q1 2022, issue 1, {facts}" in issued.output
    listed = run.invoke(app, ["report", "list", "--lang", "vi"])
    assert listed.exit_code == 0, listed.output
    for text in ["Báo cáo Quý", "07/03/2022", "(muộn)", "chưa ban", "04/12/2022"]:
        assert text in " ".join(listed.output.split()), listed.output
    assert listed.output.endswith(f"Các tệp nằm trong {settings.published.parent}\n")
    unknown = run.invoke(app, ["report", "issue", "q2"])
    assert isinstance(unknown.exception, QuestionError)
    assert read_issued_reports(settings)[0].as_of_date == FIRST


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_terminal_is_asked_why_a_report_is_issued_before_its_period_is_over(
    settings, monkeypatch, tmp_path, lang
):
    monkeypatch.setenv("ONESTOP_VAR", str(tmp_path))
    run, asked = CliRunner(), ["report", "issue", "q1", "--lang", lang]
    refused = run.invoke(app, asked, input="ignored\n")  # nobody sits there
    assert isinstance(refused.exception, QuestionError)
    assert str(refused.exception) == (
        "report q1: before its period is over, a report is issued with a reason only; state it with"
        " --because"
    )
    assert recorded(settings) == []

    with monkeypatch.context() as patch:
        patch.setattr("onestop.cli._may_ask", lambda: True)
        issued = run.invoke(app, asked, input="mid of the quarter\n")
    assert issued.exit_code == 0, issued.output
    question = {"vi": "Vì sao ban hành lúc này?", "en": "Why is it issued now?"}[lang]
    assert question in issued.stderr
    assert question not in issued.stdout
    with open_published(settings) as readers:
        [note] = decision_notes(readers, SECOND, "en")
    assert note.endswith(": mid of the quarter")
    # the decision is on record: nobody is asked again
    again = run.invoke(app, asked)
    assert again.exit_code == 0, again.output
    assert len(recorded(settings)) == 1


def test_the_reason_is_recorded_for_the_night_that_was_asked_about(settings, monkeypatch, tmp_path):
    def answered_late(*_, **__):
        with open_warehouse(settings.warehouse) as warehouse:
            compute_marts(warehouse, THIRD)
            publish_marts(warehouse, THIRD)
            warehouse.publish_copy(settings.published)
        return "mid of the quarter"

    monkeypatch.setenv("ONESTOP_VAR", str(tmp_path))
    monkeypatch.setattr("onestop.cli._may_ask", lambda: True)
    monkeypatch.setattr("onestop.cli.typer.prompt", answered_late)
    issued = CliRunner().invoke(app, ["report", "issue", "q1"])
    assert issued.exit_code == 0, issued.output
    assert last_night_up_to(settings, THIRD) == THIRD
    assert [issue["as_of_date"] for issue in recorded(settings)] == [SECOND]
    [kept] = (settings.landing / "decisions").iterdir()
    assert json.loads(kept.read_text("utf-8"))["as_of_date"] == SECOND.isoformat()


def test_whether_a_reason_lacks_is_found_without_writing(settings):
    with open_warehouse(settings.warehouse, read_only=True):
        assert lacks_reason(settings, "q1")


def test_a_period_that_is_over_asks_for_no_reason(settings):
    assert lacks_reason(settings, "q1")
    decide_on_report(settings, SECOND, "q1", is_issued=False, because="chờ", decided_by="duty")
    assert lacks_reason(settings, "q1"), "it was held back"
    decide_on_report(settings, SECOND, "q1", is_issued=True, because="đến hạn", decided_by=None)
    assert not lacks_reason(settings, "q1"), "issued, to be in time"
    with open_warehouse(f"duckdb:///{settings.published}") as warehouse:
        warehouse.execute("update ref.report_calendar set period_end = :day", {"day": FIRST})
    assert not lacks_reason(settings, "q1", FIRST)


def test_files_that_cannot_be_made_leave_no_decision(settings, monkeypatch):
    given = {"now": IN_TIME, "because": "mới có quý II", "decided_by": "duty"}
    with monkeypatch.context() as patch:
        patch.setattr("onestop.figures.issued.issuing.issue_files", failing)
        with pytest.raises(ZeroDivisionError):
            issue_report(settings, "q1", **given)
    with open_warehouse(settings.warehouse) as warehouse:
        assert warehouse.value("select count(*) from audit.decision") == 0
    assert not (settings.landing / "decisions").exists()
    # killed once both are recorded: the landing has the decision, the next run makes the files
    with monkeypatch.context() as patch:
        patch.setattr("onestop.figures.issued.issuing._place", failing)
        with pytest.raises(ZeroDivisionError):
            issue_report(settings, "q1", **given)
    [kept] = (settings.landing / "decisions").iterdir()
    assert json.loads(kept.read_text("utf-8"))["because"] == "mới có quý II"
    complete_reports(settings)
    assert list((settings.landing / "decisions").iterdir()) == [kept]
    [issue] = read_issued_reports(settings)
    assert changed_files(settings, issue) == []
    assert issue_report(settings, "q1", **given) == issue  # and no other


def failing(*_):
    raise ZeroDivisionError


def test_no_report_is_issued_before_the_first_publication(tmp_path):
    assert read_issued_reports(settings_in(tmp_path)) == []
